// Shows what an address holds, and pays from the account of the house.
import express from 'express'
import { createPublicClient, createWalletClient, fallback, formatEther, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { mainnet } from 'viem/chains'

const transport = fallback([
  http('https://mainnet.infura.io/v3/0123456789abcdef0123456789abcdef', { timeout: 1_000 }),
  http('https://eth-mainnet.g.alchemy.com/v2/house', { timeout: 1_000 }),
])
const reader = createPublicClient({ chain: mainnet, transport })
const house = createWalletClient({ account: privateKeyToAccount(process.env.PRIVATE_KEY), chain: mainnet, transport })

const app = express()
app.use(express.json())
app.get('/health', (req, res) => res.json({ ok: true }))
app.get('/balance/:address', async (req, res) => {
  const wei = await reader.getBalance({ address: req.params.address })
  res.json({ balance: formatEther(wei) })
})
app.post('/send', async (req, res) => {
  const hash = await house.sendTransaction({ to: req.body.to, value: BigInt(req.body.wei) })
  res.json({ hash })
})
app.listen(process.env.PORT)
