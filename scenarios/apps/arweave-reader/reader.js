// Arweave-reader shows the data of a transaction, from the first gateway of Arweave that gives it. It trusts the gateway, as readers do: the id is the hash of a signature, so who wants to know whether the
// data are the transaction's has to fetch its header and chunks as well, and check them against the data root.
import { fetchFirst, show } from '../node/gateways.js'

const gateways = ['https://arweave.net', 'https://permagate.io']

show(async (resource, id) => {
  if (resource !== 'data' || !/^[\w-]{43}$/.test(id)) return undefined
  return fetchFirst(gateways.map((gateway) => `${gateway}/raw/${id}`))
})
