// Metamask reads and pays through the network stack of the MetaMask extension: its network controller asks Infura, and QuickNode once Infura has failed often enough, and its nonce tracker numbers
// the payments. The options of both are the extension's, of autumn 2025; what it has beside them, interface and keyrings, is left out.
import { NonceTracker } from '@metamask/nonce-tracker'
import { isAddress, keccak256, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { hotKey, serve } from '../node/server.js'
import { networkClient } from './network.js'

const { provider, blockTracker } = networkClient({
  infuraProjectId: '0123456789abcdef0123456789abcdef',
  failoverUrls: ['https://docs-demo.quiknode.pro/'], // the extension's is built in as QUICKNODE_MAINNET_URL
})
// While its window is open, the extension's account tracker listens for new blocks. It is this that keeps the block tracker polling.
blockTracker.on('latest', (number) => console.log(`the latest block is ${Number(number)}`))

const account = privateKeyToAccount(hotKey())

// Payments as the extension's transaction controller keeps them: submitted when a provider has taken them, confirmed when there is a receipt.
const payments = new Map() // by hash
const paymentsThat = (status) => () => [...payments.values()].filter((payment) => payment.status === status)
const nonces = new NonceTracker({
  provider,
  blockTracker,
  getPendingTransactions: paymentsThat('submitted'),
  getConfirmedTransactions: paymentsThat('confirmed'),
})

// The fees of a payment, from the history of the last five blocks, as the extension's gas fee controller takes them where MetaMask's own interface of fees does not answer. A plain payment needs 21,000 gas.
async function feesOf() {
  const { baseFeePerGas, reward } = await provider.request({ method: 'eth_feeHistory', params: ['0x5', 'latest', [50]] })
  const tip = reward.map(([median]) => BigInt(median)).reduce((a, b) => (a > b ? a : b)) || 1_500_000_000n
  return { maxPriorityFeePerGas: tip, maxFeePerGas: 2n * BigInt(baseFeePerGas.at(-1)) + tip }
}

serve({
  isAddress: (text) => isAddress(text ?? '', { strict: false }),
  balance: async (address) => BigInt(await provider.request({ method: 'eth_getBalance', params: [address, 'latest'] })),

  // As TransactionController.approveTransaction does, it holds the lock of the account's nonces until the payment is sent, or is not.
  async pay(to, value) {
    const fees = await feesOf()
    const { nextNonce, releaseLock } = await nonces.getNonceLock(account.address)
    try {
      const signed = await account.signTransaction({ to, value, nonce: nextNonce, gas: 21_000n, chainId: 1, ...fees })
      await provider.request({ method: 'eth_sendRawTransaction', params: [signed] })
      const hash = keccak256(signed)
      payments.set(hash, { status: 'submitted', txParams: { nonce: toHex(nextNonce) } })
      return hash
    } finally {
      releaseLock()
    }
  },

  async state(hash) {
    const receipt = await provider.request({ method: 'eth_getTransactionReceipt', params: [hash] })
    if (!receipt) return 'pending'
    payments.get(hash).status = 'confirmed'
    return receipt.status === '0x1' ? 'confirmed' : 'failed'
  },
})
