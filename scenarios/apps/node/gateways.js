// What the two apps that show files do alike: ask one gateway after the other, and pass on what comes.
import { createServer } from 'node:http'

// fetchFirst gives what the first gateway says that says 200. A gateway that is silent is given up after five seconds. Nothing holds the bytes against what was asked for.
export async function fetchFirst(urls) {
  let reason
  for (const url of urls) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
      if (response.ok) return { type: response.headers.get('content-type'), bytes: Buffer.from(await response.arrayBuffer()) }
      reason = `${url}: HTTP ${response.status}`
    } catch (error) {
      reason = `${url}: ${error.cause?.message ?? error.message}`
    }
    console.error(reason)
  }
  throw new Error(`no gateway gives it: ${reason}`)
}

// show answers until the process is told to stop. file gives the bytes and the type for the segments of a path, or undefined where there is no such thing; what it throws is answered with 502.
export function show(file) {
  const server = createServer(async (request, response) => {
    try {
      const segments = new URL(request.url, 'http://localhost').pathname.split('/').slice(1)
      if (segments[0] === 'health') return response.end('ok')
      const { type, bytes, headers } = (await file(...segments)) ?? {}
      if (!bytes) return response.writeHead(404).end()
      response.writeHead(200, { 'content-type': type ?? 'application/octet-stream', ...headers }).end(bytes)
    } catch (error) {
      console.error(`${request.method} ${request.url}: ${error.shortMessage ?? error.message}`)
      response.writeHead(502, { 'content-type': 'application/json' }).end(JSON.stringify({ error: error.shortMessage ?? error.message }))
    }
  })
  server.listen(Number(process.env.PORT), process.env.HOST ?? '127.0.0.1', () => console.log(`the app listens at port ${server.address().port}`))
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0))
}
