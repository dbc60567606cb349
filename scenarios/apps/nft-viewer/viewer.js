// Nft-viewer shows a token of a collection: who owns it and where its metadata lie, from the chain through viem's fallback transport; the metadata and the picture, from IPFS through public gateways.
import { createPublicClient, erc721Abi, fallback, http } from 'viem'
import { mainnet } from 'viem/chains'
import { fetchFirst, show } from '../node/gateways.js'

const collection = { address: '0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D', abi: erc721Abi } // the Bored Ape Yacht Club
const gateways = ['https://ipfs.io', 'https://dweb.link', 'https://w3s.link']
const chain = createPublicClient({
  chain: mainnet,
  transport: fallback([
    http('https://mainnet.infura.io/v3/0123456789abcdef0123456789abcdef'),
    http('https://eth-mainnet.g.alchemy.com/v2/sample-viewer'),
  ]),
})

const read = (functionName, id) => chain.readContract({ ...collection, functionName, args: [BigInt(id)] })
const fromIPFS = (uri) => fetchFirst(gateways.map((gateway) => uri.replace('ipfs://', `${gateway}/ipfs/`)))

show(async (resource, id, part) => {
  if (resource !== 'token' || !/^[0-9]+$/.test(id) || !['picture', 'metadata'].includes(part)) return undefined
  const [owner, uri] = await Promise.all([read('ownerOf', id), read('tokenURI', id)])
  const metadata = await fromIPFS(uri)
  const file = part === 'metadata' ? metadata : await fromIPFS(JSON.parse(metadata.bytes).image)
  return { ...file, headers: { 'x-owner': owner } }
})
