// Compiles the contracts of harness/chain/contracts into the artifacts beside them: what goes into the genesis block, and what a caller needs to know.
// With --check it writes nothing, and fails where an artifact is not what its source gives.
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const folder = path.join(__dirname, "../../harness/chain/contracts");
const artifacts = path.join(folder, "artifacts");

const settings = {
  evmVersion: "prague",
  optimizer: { enabled: true, runs: 200 },
  // Without the hash of the sources' comments the same code gives the same bytes.
  metadata: { appendCBOR: false, bytecodeHash: "none" },
  outputSelection: { "*": { "*": ["abi", "evm.deployedBytecode.object", "storageLayout"] } },
};

function compile(file) {
  const source = fs.readFileSync(path.join(folder, file), "utf8");
  const input = { language: "Solidity", sources: { [file]: { content: source } }, settings };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  for (const e of output.errors ?? []) {
    console.error(e.formattedMessage);
  }
  if ((output.errors ?? []).length > 0) {
    throw new Error(`${file}: the compiler complains`);
  }
  const contract = output.contracts[file][path.basename(file, ".sol")];
  const storage = Object.fromEntries(contract.storageLayout.storage.map((v) => [v.label, Number(v.slot)]));
  return JSON.stringify(
    {
      source: file,
      sha256: crypto.createHash("sha256").update(source).digest("hex"),
      compiler: solc.version(),
      storage,
      runtime: "0x" + contract.evm.deployedBytecode.object,
      abi: contract.abi,
    },
    null,
    1,
  ) + "\n";
}

const check = process.argv.includes("--check");
const sources = fs.readdirSync(folder).filter((name) => name.endsWith(".sol")).sort();
let stale = 0;
for (const file of sources) {
  const target = path.join(artifacts, file.replace(/\.sol$/, ".json"));
  const made = compile(file);
  if (!check) {
    fs.writeFileSync(target, made);
  } else if (!fs.existsSync(target) || fs.readFileSync(target, "utf8") !== made) {
    console.error(`${path.relative(process.cwd(), target)} is not what ${file} gives; run: make contracts`);
    stale++;
  }
}
process.exit(stale > 0 ? 1 : 0);
