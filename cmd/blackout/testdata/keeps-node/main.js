// Keeps shows balances from Infura over one connection that it keeps, and from Alchemy over one that it opens for each request. It looks names up and checks certificates by
// the system's means.
const http = require('node:http')
const https = require('node:https')

const providers = {
  kept: { address: 'https://mainnet.infura.io/v3/84842078b09946638c03157f83405213', agent: new https.Agent({ keepAlive: true, maxSockets: 1 }) },
  fresh: { address: 'https://eth-mainnet.g.alchemy.com/v2/demo', agent: new https.Agent({ keepAlive: false }) },
}
const patience = 5000 // ms for a provider: within the user's patience, and so much that a busy machine alone does not use it up

function call({ address, agent }, method, ...params) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const request = https.request(address, { method: 'POST', agent, headers, signal: AbortSignal.timeout(patience) }, async (reply) => {
      try {
        let text = ''
        for await (const chunk of reply.setEncoding('utf8')) text += chunk
        const { result, error } = JSON.parse(text)
        if (error) throw new Error(error.message)
        resolve(result)
      } catch (error) {
        reject(error)
      }
    })
    request.on('error', reject)
    request.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  })
}

http.createServer(async (request, response) => {
  const [, how, account] = request.url.split('/')
  let status = 200
  let body = {}
  if (how !== 'health') {
    try {
      body = { balance: BigInt(await call(providers[how], 'eth_getBalance', account, 'latest')).toString() }
    } catch (error) {
      status = 503
      body = { error: error.message }
    }
  }
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}).listen(Number(process.argv[2]), '127.0.0.1')
