// The exporter of NGINX's log: receives a message for each request over UDP and answers Prometheus over HTTP, on the same
// port number. `npm run monitoring` runs it from these sources, compose from the image of `web`.
//   HOST  address to listen on; default 127.0.0.1. Anybody who reaches it can send messages, so it must not be public.
//   PORT  UDP for messages, TCP for GET /metrics and GET /health; default 9145
//   STATUS_OF  NGINX's status page, to say whether NGINX answers; default: none
//   CERTIFICATE_OF  host:port of NGINX's HTTPS, to say when its certificate ends; default: none

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'
import { reasonOf } from '../../web/server/errors.ts'
import { droppedMessages, LogMetrics } from './log-metrics.ts'
import { watchCertificate, watchStatus } from './probes.ts'

/** bytes of messages that wait to be read. Linux gives no more than net.core.rmem_max, 212,992 by default, and reports no error */
const receiveBuffer = 4 * 1024 * 1024

/** ms that this process sleeps after messages; answers to Prometheus come so much later */
const sleepMs = 40
const never = new Int32Array(new SharedArrayBuffer(4))
let sleeping = false

const host = process.env.HOST || '127.0.0.1'
const port = Number(process.env.PORT || 9145)

const messages = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
const metrics = new LogMetrics(Date.now, async () => {
  const tables = ['/proc/net/udp', '/proc/net/udp6'].map(path => readFile(path, 'utf8').catch(() => ''))
  return droppedMessages((await Promise.all(tables)).join('\n'), port)
})
if (process.env.STATUS_OF) watchStatus(metrics.registry, process.env.STATUS_OF)
if (process.env.CERTIFICATE_OF) watchCertificate(metrics.registry, process.env.CERTIFICATE_OF)
messages.on('message', message => {
  metrics.receive(message)
  if (sleeping) return
  sleeping = true
  setImmediate(sleep)
})

/** Lets messages come together: to wake this process costs more than to read them. Linux keeps at least some 300 meanwhile. */
function sleep(): void {
  Atomics.wait(never, 0, 0, sleepMs)
  sleeping = false
}

const server = createServer(async ({ method, url }, response) => {
  if (method !== 'GET' && method !== 'HEAD') return answer(response, 405, 'method not allowed\n')
  if (url === '/health') return answer(response, 200, 'ok\n')
  if (url !== '/metrics') return answer(response, 404, 'not found\n')
  try {
    const text = await metrics.text()
    answer(response, 200, text, metrics.registry.contentType)
  } catch (error) {
    answer(response, 500, `${reasonOf(error)}\n`)
  }
})

function growBuffer(): void {
  try {
    messages.setRecvBufferSize(receiveBuffer)
  } catch (error) {
    // Other systems than Linux refuse more than their maximum.
    console.error(`keeps the system's buffer for messages, so a burst can be lost: ${reasonOf(error)}`)
  }
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  response.writeHead(status, { 'Content-Type': type }).end(text)
}

try {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`${process.env.PORT} is not a port`)
  // Messages first: once /health answers, nothing is lost.
  messages.bind({ address: host, port, exclusive: true })
  await once(messages, 'listening')
  growBuffer()
  server.listen({ host, port, exclusive: true })
  await once(server, 'listening')
  console.log(`receives NGINX's log at udp://${host}:${port}, metrics at http://${host}:${port}/metrics`)
} catch (error) {
  console.error(`the exporter of NGINX's log cannot start: ${reasonOf(error)}`)
  process.exit(1)
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)
  process.on(signal, () => process.exit(0))
