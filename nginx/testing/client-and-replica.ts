// Both ends of NGINX in tests: a client, and a stub of a replica.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  request as requestPlain,
  type ServerResponse,
} from 'node:http'
import { request as requestSecure } from 'node:https'
import { join } from 'node:path'
import { startStubServer } from '../../tools/lib/testing.ts'
import { readSrvIdCookie } from '../../web/server/http/request.ts'
import { srvIdOf } from '../../web/server/identity.ts'
import { replicaHeadBytes } from '../../web/shared/limits.ts'

/** A replacement for a replica: it says which one it is, and records the requests. */
export type StubReplica = {
  address: string
  srvId: string
  /** newest last */
  requests: IncomingMessage[]
  /** how it answers; tests may change it */
  answer: RequestListener
  /** Ends as if killed: closes open connections and refuses new ones. */
  die(): Promise<void>
}

export async function startStubReplica(): Promise<StubReplica> {
  const server = createServer({ maxHeaderSize: replicaHeadBytes }, (request, response) => {
    replica.requests.push(request)
    replica.answer(request, response)
  })
  server.on('upgrade', (request, socket) => {
    replica.requests.push(request)
    socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello')
  })
  const { port, ...stub } = await startStubServer(server)
  const address = `127.0.0.1:${port}`

  const replica: StubReplica = {
    address,
    srvId: srvIdOf(address),
    requests: [],
    answer: answerWell,
    die: stub[Symbol.asyncDispose],
  }
  function answerWell(_request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('X-Srv-Id', replica.srvId)
    response.end('well')
  }
  return replica
}

/** Takes the request and never answers. */
export const freeze: RequestListener = () => {}

/** Closes the connection in the middle of a request. */
export const breakOff: RequestListener = request => void request.socket.destroy()

/** Turns visitors of other servers away, except in the last try. */
export function drain(replica: StubReplica): RequestListener {
  const { answer } = replica
  return (request, response) => {
    const known = readSrvIdCookie(request.headers.cookie ?? '') === replica.srvId
    if (known || request.headers['x-last-try'] === '1') answer(request, response)
    else response.writeHead(403).end('draining')
  }
}

/** Cannot count: 403 if NGINX can try another replica, else 503. */
export const cannotCount: RequestListener = (request, response) => {
  const isLastTry = request.headers['x-last-try'] === '1'
  response.writeHead(isLastTry ? 503 : 403, { 'Retry-After': '1' }).end('cannot count')
}

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string; cookies: Cookie[] }

type Cookie = { name: string; value: string; attributes: Record<string, string> }

export type RequestOptions = {
  method?: string
  headers?: Record<string, string | string[]>
  body?: string
  /** whether to use HTTPS */
  tls?: boolean
}

/** Sends one request on a new connection. The path is sent unchanged. */
export async function sendRequest(port: number, path: string, options: RequestOptions = {}): Promise<Answer> {
  const response = await startRequest(port, path, options)
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    cookies: (response.headers['set-cookie'] ?? []).map(parseCookie),
  }
}

/** Sends a request. The body of its answer is not read yet. */
export async function startRequest(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body, tls = false }: RequestOptions = {},
): Promise<IncomingMessage> {
  const parameters = { host: '127.0.0.1', port, path, method, headers, agent: false }
  const outgoing = tls
    ? requestSecure({ ...parameters, ca: readFileSync(testCertificate) })
    : requestPlain(parameters)
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return response
}

export function asCookie(srvId: string): Record<string, string> {
  return { Cookie: `srv_id=${srvId}` }
}

export function parseCookie(text: string): Cookie {
  const [first = '', ...rest] = text.split(';').map(part => part.trim())
  const [name = '', value = ''] = first.split('=')
  const attributes = rest
    .map(part => part.split('='))
    .map(([key = '', given = '']) => [key.toLowerCase(), given])
  return { name, value, attributes: Object.fromEntries(attributes) }
}

export const testCertificate = join(import.meta.dirname, 'certificate/test-only.crt')
export const testKey = join(import.meta.dirname, 'certificate/test-only.key')
