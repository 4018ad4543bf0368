// The HTTP layer of a replica. web/server/replica/replica.ts creates a router from the routes of
// web/server/replica/routes.ts; it finds the endpoint of a request, and turns an error that the endpoint throws into an
// answer. request.ts reads headers and parameters, client-address.ts normalises and shortens client addresses. The
// endpoints (web/server/endpoints) call both.

import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import type { Duplex } from 'node:stream'
import type { ErrorAnswer } from '../../shared/api.ts'
import { AnswerError, DatabaseUnavailable } from '../errors.ts'
import { log } from '../log.ts'
import { readRequestId } from './request.ts'

export type Routes = {
  /** endpoints by exact path and method */
  exact: Record<string, Record<string, Endpoint>>
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
  const byMethod = routes.exact[url.pathname]
  if (!byMethod) return routes.fallback
  const endpoint = byMethod[method]
  if (endpoint) return endpoint
  const allowed = Object.keys(byMethod).join(', ')
  response.setHeader('Allow', allowed)
  throw new AnswerError(405, 'method_not_allowed', `${url.pathname} takes ${allowed}`)
}

/**
 * The path and query of a request. The client chooses the host, so it is dropped: of `http://any/path` (RFC 9112, 3.2.2) only
 * the path counts, and `//any/path` is a path, not a host with a path.
 */
function readUrl(request: IncomingMessage): URL {
  const target = (request.url ?? '/').replace(/^https?:\/\/[^/?#]*/i, '')
  return new URL(`http://replica${target.startsWith('/') ? '' : '/'}${target}`)
}

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

/**
 * A server's `clientError` handler: answers what Node's parser rejects, in the format of all errors. Node's default
 * answer has no body. NGINX passes on methods that Node does not know, raw bytes in a path and control characters in a
 * header.
 */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
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
