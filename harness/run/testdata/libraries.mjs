// Reads balances and makes payments through viem and ethers, all of them at once, and says what came of each: a line of JSON on standard output. The order is on standard
// input: how long to watch, and the reads. Each has clients of its own, which know nothing yet, as in an app that has just been started.
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'

const require = createRequire(new URL('../../../scenarios/apps/package.json', import.meta.url))
const viem = require('viem')
const { privateKeyToAccount } = require('viem/accounts')
const { mainnet } = require('viem/chains')
const { FallbackProvider, JsonRpcProvider, Wallet } = require('ethers')

// Each set-up gives what reads a balance, calls a contract, and pays, from the addresses of its providers, the preferred one first.
const viemOver = (transport) => {
  const client = viem.createPublicClient({ chain: mainnet, transport })
  return {
    balance: (address) => client.getBalance({ address }),
    pay: (key, to, value) => viem.createWalletClient({ chain: mainnet, transport, account: privateKeyToAccount(key) }).sendTransaction({ to, value }),
  }
}
const ethersOver = (provider) => ({
  balance: (address) => provider.getBalance(address),
  call: (to, data) => provider.call({ to, data }),
  pay: async (key, to, value) => (await new Wallet(key, provider).sendTransaction({ to, value })).hash,
})
// The network is named, so that ethers does not ask for it before each request: what is counted then is what the read itself takes.
const rpc = (url) => new JsonRpcProvider(url, 1, { staticNetwork: true })
const setups = {
  'viem http': ([first]) => viemOver(viem.http(first)),
  'viem fallback': (urls) => viemOver(viem.fallback(urls.map((url) => viem.http(url)))),
  'ethers JsonRpcProvider': ([first]) => ethersOver(rpc(first)),
  // The second provider is asked when the first has had stallTimeout. It is 400 ms by default, which a busy machine can take by itself.
  'ethers FallbackProvider': (urls) =>
    ethersOver(new FallbackProvider(urls.map((url, i) => ({ provider: rpc(url), priority: i + 1, stallTimeout: 5000 })), 1, { quorum: 1 })),
}

async function carryOut({ setup, urls, what, args, times }) {
  const client = setups[setup](urls)
  const [first, ...rest] = args
  const answers = []
  for (let n = 0; n < (times ?? 1); n++) {
    const from = performance.now()
    const said = (word) => answers.push({ ...word, seconds: (performance.now() - from) / 1000 })
    try {
      said({ outcome: 'ok', value: String(await client[what](first, ...rest)) })
    } catch (error) {
      said({ outcome: 'error', code: String(error.code ?? error.name), message: error.shortMessage ?? error.message })
    }
  }
  return answers
}

const { watch, reads } = JSON.parse(await text(process.stdin))
console.log = console.error // ethers says some things there that are no answers
await Promise.all(reads.map(async (read) => {
  const over = new Promise((resolve) => setTimeout(resolve, watch * 1000 * (read.times ?? 1), [{ outcome: 'pending', seconds: watch }]))
  const answers = await Promise.race([carryOut(read), over])
  process.stdout.write(JSON.stringify({ id: read.id, answers }) + '\n')
}))
process.exit(0) // what is still pending is not waited for
