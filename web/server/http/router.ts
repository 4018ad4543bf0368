// The HTTP layer of a replica. web/server/replica/replica.ts creates a router from the routes of
// web/server/replica/routes.ts; it finds the endpoint of a request, and turns an error that the endpoint throws into an
// answer. request.ts reads headers and parameters, client-address.ts normalises and shortens client addresses. The
// endpoints (web/server/endpoints) call both.

import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import type { Duplex } from 'node:stream'
import type { ErrorAnswer } from '../../shared/api.ts'
import { AnswerError, DatabaseUnavailable } from '../errors.ts'
import { log } from '../log.ts'
import { announcesBody, readRequestId } from './request.ts'

export type Routes = {
  /** endpoints by exact path and method */
  exact: Record<string, Record<string, Endpoint>>
  /** endpoints by method of every path that `matches`, if it is not exact */
  matching?: { matches(pathname: string): boolean; byMethod: Record<string, Endpoint> }
  /** answers every other path */
  fallback: Endpoint
  /** `startedAt`: when the request came, in ms on the clock of `performance.now()` */
  onError(error: AnswerError, request: IncomingMessage, url: URL, startedAt: number): void
  /** sends an error; default: as JSON. Must not throw */
  sendError?: SendError
}

/** Answers one request. The router sends what it throws, unless it has started to answer. */
export type Endpoint = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void

export type SendError = (
  error: AnswerError,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) => Promise<void> | void

/** A request listener that calls the endpoint and turns what it throws into an answer. */
export function createRouter(routes: Routes): RequestListener {
  return async (request, response) => {
    const startedAt = performance.now()
    const url = readUrl(request)
    try {
      if (!isPlain(request)) throw new AnswerError(400, malformed.code, malformed.message)
      await findEndpoint(routes, request.method ?? 'GET', url, response)(request, response, url)
    } catch (thrown) {
      const error = toAnswerError(thrown, request)
      routes.onError(error, request, url, startedAt)
      if (response.headersSent) response.destroy()
      else await (routes.sendError ?? sendAsJson)(error, request, response, url)
    }
  }
}

function findEndpoint(routes: Routes, method: string, url: URL, response: ServerResponse): Endpoint {
  const byMethod = routes.exact[url.pathname] ?? matching(routes, url)
  if (!byMethod) return routes.fallback
  const endpoint = byMethod[method]
  if (endpoint) return endpoint
  const allowed = Object.keys(byMethod).join(', ')
  response.setHeader('Allow', allowed)
  // A path that only matches has text that the client chose.
  const what = routes.exact[url.pathname] ? url.pathname : 'this path'
  throw new AnswerError(405, 'method_not_allowed', `${what} takes ${allowed}`)
}

function matching({ matching }: Routes, { pathname }: URL): Record<string, Endpoint> | undefined {
  return matching?.matches(pathname) ? matching.byMethod : undefined
}

/**
 * The path and query of a request. The client chooses the host, so it is dropped: of `http://any/path` (RFC 9112, 3.2.2) only
 * the path counts, and `//any/path` is a path, not a host with a path.
 */
function readUrl(request: IncomingMessage): URL {
  const target = targetOf(request)
  return new URL(`http://replica${target.startsWith('/') ? '' : '/'}${target}`)
}

const targetOf = ({ url = '/' }: IncomingMessage) => url.replace(/^https?:\/\/[^/?#]*/i, '')

/** Whether the path is the one that its text says. A URL's parser would read `/x/..` and `/%2e` as `/`, which is a page view. */
const isPlain = (request: IncomingMessage) =>
  !/^[^?#]*(?:\\|(?:^|\/)(?:\.|%2e){1,2}(?:[/?#]|$))/i.test(targetOf(request))

function sendAsJson(error: AnswerError, _request: IncomingMessage, response: ServerResponse): void {
  sendError(response, error)
}

function toAnswerError(thrown: unknown, request: IncomingMessage): AnswerError {
  if (thrown instanceof AnswerError) return thrown
  if (thrown instanceof DatabaseUnavailable)
    return new AnswerError(503, 'database_unavailable', 'The database does not answer right now.', {
      retryAfter: 1,
    })
  log.error('a request failed unexpectedly', { err: thrown, request_id: readRequestId(request) })
  return new AnswerError(500, 'internal_error', 'An internal error occurred. It was logged.')
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers?: OutgoingHttpHeaders,
): void {
  sendText(response, status, 'application/json; charset=utf-8', JSON.stringify(body), headers)
}

export function sendText(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers?: OutgoingHttpHeaders,
): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, {
    ...headers,
    'Content-Type': contentType,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
  })
  response.end(bytes)
}

export function sendError(response: ServerResponse, error: AnswerError): void {
  if (error.retryAfter !== undefined) response.setHeader('Retry-After', error.retryAfter)
  const body: ErrorAnswer = { error: { code: error.code, message: error.message } }
  sendJson(response, error.status, body)
}

/**
 * An HTTP server whose every answer has the format of all errors, also where Node answers by itself, without a body: a request that
 * its parser rejects, a missing `Host`, `Expect`. No request gets two answers or that of another, and none is handled after an
 * answer that ends its connection.
 */
export function createHttpServer(options: ServerOptions, listener: RequestListener): Server {
  /** the last answer that was begun on a connection */
  const answers = new WeakMap<Duplex, ServerResponse>()
  const answer = (request: IncomingMessage, response: ServerResponse, refusal = refusalOf(request)) => {
    if (isFinal(answers.get(request.socket))) return
    answers.set(request.socket, response)
    if (refusal) refuse(response, refusal)
    else listener(request, response)
  }
  const server = createServer({ ...options, requireHostHeader: false }, (request, response) =>
    answer(request, response),
  )
  // No endpoint waits for a body, so nothing is to be continued. Node would write `100 Continue` into the answer to an earlier
  // request.
  server.on('checkContinue', (request, response) => {
    if (announcesBody(request)) return answer(request, response, bodyRefused())
    // Without this Node closes the connection, because it has not sent `100 Continue`.
    if (response.shouldKeepAlive) response.setHeader('Connection', 'keep-alive')
    answer(request, response)
  })
  server.on('checkExpectation', (request, response) => {
    answer(
      request,
      response,
      new AnswerError(417, 'expectation_failed', 'This value of Expect is not known here.'),
    )
  })
  const closing = new WeakSet<Duplex>()
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    if (closing.has(socket)) return
    closing.add(socket)
    const last = answers.get(socket)
    // A request with an error in its body has that answer, once it is begun.
    const isAnswered = isFinal(last) || (last?.headersSent && !last.req.complete)
    const end = () => (isAnswered ? close(socket) : answerMalformed(error, socket))
    // An earlier request gets its answer first.
    const isBusy = last && !last.closed && (last.headersSent || last.req.complete)
    if (isBusy) last.once('close', end)
    else end()
  })
  return server
}

/** Whether the connection ends after this answer. */
const isFinal = (answer?: ServerResponse) =>
  answer?.headersSent && (!answer.shouldKeepAlive || answer.getHeader('connection') === 'close')

/** Of a request whose body nothing here takes */
export const bodyRefused = () =>
  new AnswerError(413, 'body_too_large', 'The body of the request is too large: nothing here takes one.')

/** What is wrong with a request that Node's parser has accepted; null if nothing is. RFC 9112, 3.2 and 6.1 */
function refusalOf({ httpVersion, headers }: IncomingMessage): AnswerError | null {
  if (httpVersion === '1.1' && headers.host === undefined)
    return new AnswerError(400, malformed.code, malformed.message)
  const coding = headers['transfer-encoding']
  if (coding === undefined || coding.toLowerCase() === 'chunked') return null
  return new AnswerError(501, 'not_implemented', 'This transfer coding is not known here.')
}

/** Answers, and closes the connection: it is not certain where the next request begins. */
function refuse(response: ServerResponse, error: AnswerError): void {
  response.setHeader('Connection', 'close')
  sendError(response, error)
}

function close(socket: Duplex): void {
  socket.end(() => socket.destroy())
}

/** By the codes of Node's errors: https://nodejs.org/api/http.html#event-clienterror */
const malformedAnswers: Record<string, { status: number; code: string; message: string }> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'headers_too_large',
    message: 'The headers of the request are too large.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'request_timeout',
    message: 'The request took too long to arrive.',
  },
}

const malformed = { status: 400, code: 'bad_request', message: 'The request cannot be understood.' }

/** NGINX passes on methods that Node does not know, raw bytes in a path and control characters in a header. */
function answerMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy()
  const { status, code, message } = malformedAnswers[error.code ?? ''] ?? malformed
  const body = JSON.stringify({ error: { code, message } } satisfies ErrorAnswer)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
