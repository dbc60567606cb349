// Asks an app for balances at a fixed rate, as users do and as a run's own journey does: a request is sent when it is due, whatever became of the earlier ones. Of each
// it writes one point of the metric "asked": when it was over, how many milliseconds it took, and whether it was an explicit success: a 2xx whose whole body has the
// balance and does not decline, within the user's patience. What is true on the chain this script does not know.
import http from "k6/http";
import { Trend } from "k6/metrics";
import exec from "k6/execution";

const { APP, ACCOUNTS, RATE, PATIENCE_S, SECONDS } = __ENV;
if (!/^http:\/\/127\.0\.0\.1:\d+$/.test(APP)) {
  throw new Error(`${APP} is not this machine`);
}
const accounts = ACCOUNTS.split(",");
const atOnce = Math.ceil(Number(RATE) * Number(PATIENCE_S)) + 10; // so many wait for an app that hangs

export const options = {
  scenarios: {
    users: {
      executor: "constant-arrival-rate", rate: Number(RATE), timeUnit: "1s", duration: `${SECONDS}s`,
      preAllocatedVUs: atOnce, maxVUs: atOnce, gracefulStop: `${PATIENCE_S}s`,
    },
  },
  // Every address but 127.0.0.0/8.
  blacklistIPs: [
    "0.0.0.0/2", "64.0.0.0/3", "96.0.0.0/4", "112.0.0.0/5", "120.0.0.0/6", "124.0.0.0/7", "126.0.0.0/8", "128.0.0.0/1", "::/0",
  ],
  systemTags: ["status"],
};

const asked = new Trend("asked", true);

export default function () {
  const account = accounts[exec.scenario.iterationInTest % accounts.length];
  const sent = Date.now();
  const reply = http.get(`${APP}/balance/${account}`, { timeout: `${PATIENCE_S}s` });
  asked.add(Date.now() - sent, { success: String(succeeded(reply)) });
}

function succeeded(reply) {
  if (reply.status < 200 || reply.status > 299 || reply.error_code !== 0) {
    return false;
  }
  try {
    const said = JSON.parse(reply.body);
    return said.balance !== undefined && said.error === undefined;
  } catch {
    return false;
  }
}
