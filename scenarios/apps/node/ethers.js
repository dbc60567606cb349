// What the two apps on ethers do alike, whatever provider they were given.
import { isAddress, NonceManager, Wallet } from 'ethers'
import { hotKey } from './server.js'

// ethersWallet is a wallet for serve that reads and pays through a provider of ethers.
export function ethersWallet(provider) {
  const payer = new NonceManager(new Wallet(hotKey(), provider))
  return {
    isAddress,
    balance: (address) => provider.getBalance(address),
    async pay(to, value) {
      const { hash } = await payer.sendTransaction({ to, value })
      return hash
    },
    async state(hash) {
      const receipt = await provider.getTransactionReceipt(hash)
      if (!receipt) return 'pending'
      return receipt.status === 1 ? 'confirmed' : 'failed'
    },
  }
}
