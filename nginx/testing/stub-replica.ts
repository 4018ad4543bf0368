import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { startStubServer } from '../../tools/lib/testing.ts'
import { readSrvIdCookie } from '../../web/server/http/request.ts'
import { srvIdOf } from '../../web/server/identity.ts'

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
  // As large as a replica's: web/server/replica/replica.ts.
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => {
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
