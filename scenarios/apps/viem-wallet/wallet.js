// Viem-wallet reads and pays through viem, with three providers behind its fallback transport, set up as viem's documentation shows it.
import { createPublicClient, createWalletClient, fallback, http, isAddress, nonceManager, TransactionReceiptNotFoundError } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { mainnet } from 'viem/chains'
import { hotKey, providers, serve } from '../node/server.js'

const urls = providers(
  'https://mainnet.infura.io/v3/0123456789abcdef0123456789abcdef',
  'https://eth-mainnet.g.alchemy.com/v2/sample-wallet',
  'https://docs-demo.quiknode.pro/',
)
const transport = fallback(urls.map((url) => http(url)))
const reader = createPublicClient({ chain: mainnet, transport })
const payer = createWalletClient({ account: privateKeyToAccount(hotKey(), { nonceManager }), chain: mainnet, transport })

serve({
  isAddress: (text) => isAddress(text ?? '', { strict: false }),
  balance: (address) => reader.getBalance({ address }),
  pay: (to, value) => payer.sendTransaction({ to, value }),
  async state(hash) {
    try {
      const { status } = await reader.getTransactionReceipt({ hash })
      return status === 'success' ? 'confirmed' : 'failed'
    } catch (error) {
      if (error instanceof TransactionReceiptNotFoundError) return 'pending'
      throw error
    }
  },
})
