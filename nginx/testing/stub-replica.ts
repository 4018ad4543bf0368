import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { startStubServer } from '../../tools/lib/testing.ts'
import { readSrvIdCookie } from '../../web/server/http/request.ts'
import { srvIdOf } from '../../web/server/identity.ts'

/** A stand-in for a replica: says who it is, and notes what reached it. */
export type StubReplica = {
  address: string
  srvId: string
  /** newest last */
  requests: IncomingMessage[]
  /** how it answers; may be changed at any time */
  answer: RequestListener
  /** As killed: open connections end, new ones are refused. */
  die(): Promise<void>
}

export async function startStubReplica(): Promise<StubReplica> {
  const server = createServer((request, response) => {
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
    answer: sayWho,
    die: stub[Symbol.asyncDispose],
  }
  function sayWho(_request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('X-Srv-Id', replica.srvId)
    response.end('well')
  }
  return replica
}

/** Takes the request and never answers. */
export const freeze: RequestListener = () => {}

/** Dies in the middle of a request. */
export const breakOff: RequestListener = request => void request.socket.destroy()

/** Turns strangers away, unless it is told that this is the last try. */
export function drain(replica: StubReplica): RequestListener {
  const { answer } = replica
  return (request, response) => {
    const known = readSrvIdCookie(request.headers.cookie ?? '') === replica.srvId
    if (known || request.headers['x-last-try'] === '1') answer(request, response)
    else response.writeHead(403).end('draining')
  }
}

/** Cannot count: turns away whoever another replica may take, and has no number for the others. */
export const cannotCount: RequestListener = (request, response) => {
  const isLastTry = request.headers['x-last-try'] === '1'
  response.writeHead(isLastTry ? 503 : 403, { 'Retry-After': '1' }).end('cannot count')
}
