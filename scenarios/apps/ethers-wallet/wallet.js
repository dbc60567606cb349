// Ethers-wallet reads and pays through ethers, with three providers behind its FallbackProvider, which it leaves as it comes: two of them have to agree.
import { FallbackProvider, JsonRpcProvider } from 'ethers'
import { ethersWallet } from '../node/ethers.js'
import { providers, serve } from '../node/server.js'

const urls = providers(
  'https://mainnet.infura.io/v3/0123456789abcdef0123456789abcdef',
  'https://eth-mainnet.g.alchemy.com/v2/sample-wallet',
  'https://docs-demo.quiknode.pro/',
)

serve(ethersWallet(new FallbackProvider(urls.map((url) => new JsonRpcProvider(url)), 'mainnet')))
