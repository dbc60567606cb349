// The web side that the sample apps in Node share. What differs from app to app, and is what they are here to show, is the wallet that they hand to serve.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'

// Serve answers until the process is told to stop. A wallet reads and pays through a library:
//
//   balance(address)  wei, as a bigint
//   pay(to, wei)      the hash of the transaction, once the library says that it is sent
//   state(hash)       'pending', 'confirmed' or 'failed'
//   isAddress(text)   whether the text is an address
//
// What the wallet throws is answered with 502 and its words: nothing is caught, retried or timed out here.
export function serve(wallet) {
  const payments = new Map() // by id
  const orders = new Map() // by the order's key: a payment, or the promise of one. A key that was paid before is answered with the payment that it made.

  async function pay({ to, wei, key }) {
    const id = randomUUID()
    const hash = await wallet.pay(to, BigInt(wei))
    const payment = { id, key, hash }
    payments.set(id, payment)
    return payment
  }

  async function takePayment(order) {
    const { to, wei, key } = order
    if (!wallet.isAddress(to) || !/^[1-9][0-9]{0,76}$/.test(wei) || !key) {
      throw new Refusal(400, 'an order needs to (an address), wei (a positive decimal number) and key (any text, once per payment)')
    }
    if (!orders.has(key)) {
      const paying = pay(order)
      orders.set(key, paying)
      paying.catch(() => orders.delete(key))
    }
    const { id, hash } = await orders.get(key)
    return { id, hash, state: 'pending' }
  }

  async function route(request) {
    const { pathname } = new URL(request.url, 'http://localhost')
    const [, resource, argument] = pathname.split('/')
    switch (`${request.method} ${resource}`) {
      case 'GET health':
        return { status: 'ok' }
      case 'GET balance':
        if (!wallet.isAddress(argument)) throw new Refusal(400, `not an address: ${argument}`)
        return { address: argument, balance: ether(await wallet.balance(argument)) }
      case 'POST send':
        return takePayment(await json(request))
      case 'GET payment': {
        const payment = payments.get(argument)
        if (!payment) throw new Refusal(404, 'no such payment')
        return { id: payment.id, hash: payment.hash, state: await wallet.state(payment.hash) }
      }
      default:
        throw new Refusal(404, `nothing is at ${request.method} ${pathname}`)
    }
  }

  const server = createServer(async (request, response) => {
    let status = 200
    let body
    try {
      body = await route(request)
    } catch (error) {
      status = error instanceof Refusal ? error.status : 502
      body = { error: error.shortMessage ?? error.message }
      if (status === 502) console.error(`${request.method} ${request.url}: ${body.error}`)
    }
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  })
  server.listen(Number(required('PORT')), process.env.HOST ?? '127.0.0.1', () => console.log(`wallet listens at port ${server.address().port}`))
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0))
}

// hotKey is the key that pays, from HOT_KEY, with 0x before it as the libraries want it.
export function hotKey() {
  return `0x${required('HOT_KEY').replace(/^0x/, '')}`
}

// providers are the addresses of RPC_URLS, separated by commas, or else those that the app has compiled in.
export function providers(...compiledIn) {
  return process.env.RPC_URLS ? process.env.RPC_URLS.split(',') : compiledIn
}

// Refusal is an answer that the user has to do something about.
class Refusal extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

function required(name) {
  const value = process.env[name]
  if (!value) {
    console.error(`${name} is not set`)
    process.exit(1)
  }
  return value
}

async function json(request) {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > 1 << 16) throw new Refusal(400, 'the order is too long')
  }
  try {
    return JSON.parse(text) ?? {}
  } catch (error) {
    throw new Refusal(400, `not an order: ${error.message}`)
  }
}

// ether writes wei as ether with six decimals, the rest cut off: a wallet never shows more than there is.
function ether(wei) {
  const micro = wei / 10n ** 12n
  return `${micro / 10n ** 6n}.${String(micro % 10n ** 6n).padStart(6, '0')}`
}
