// Ethers-default reads and pays through ethers' default provider, with no setting and no key of its own: the hosts, and the keys for them, are the library's.
import { getDefaultProvider } from 'ethers'
import { ethersWallet } from '../node/ethers.js'
import { serve } from '../node/server.js'

serve(ethersWallet(getDefaultProvider('mainnet')))
