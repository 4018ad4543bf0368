import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { DatabaseTrouble } from '../error-code.ts'
import { AnswerError } from '../errors.ts'
import { sendError } from './answer.ts'
import type { Endpoint } from './endpoint.ts'

export type Routes = {
  /** endpoints by exact path and method */
  exact: Record<string, Record<string, Endpoint>>
  /** what answers every other path */
  rest: Endpoint
  onError(error: AnswerError, request: IncomingMessage, url: URL): void
  /** sends an error; default: as JSON. It never throws */
  sendError?: SendError
}

export type SendError = (
  error: AnswerError,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) => Promise<void> | void

/** Finds the endpoint, and turns what it throws into an answer. */
export function createRouter(routes: Routes): RequestListener {
  return async (request, response) => {
    const url = readUrl(request)
    try {
      await findEndpoint(routes, request.method ?? 'GET', url, response)(request, response, url)
    } catch (thrown) {
      const error = toAnswerError(thrown)
      routes.onError(error, request, url)
      if (response.headersSent) response.destroy()
      else await (routes.sendError ?? sendAsJson)(error, request, response, url)
    }
  }
}

function findEndpoint(routes: Routes, method: string, url: URL, response: ServerResponse): Endpoint {
  const byMethod = routes.exact[url.pathname]
  if (!byMethod) return routes.rest
  const endpoint = byMethod[method]
  if (endpoint) return endpoint
  const allowed = Object.keys(byMethod).join(', ')
  response.setHeader('Allow', allowed)
  throw new AnswerError(405, 'method_not_allowed', `${url.pathname} takes ${allowed}`)
}

/**
 * The path and query of a request. The host is whatever the client wrote, so it is left out: of `http://any/path`
 * (RFC 9112, 3.2.2) the path counts, and `//any/path` is a path, not a host with a path.
 */
function readUrl(request: IncomingMessage): URL {
  const target = (request.url ?? '/').replace(/^https?:\/\/[^/?#]*/i, '')
  return new URL(`http://replica${target.startsWith('/') ? '' : '/'}${target}`)
}

function sendAsJson(error: AnswerError, _request: IncomingMessage, response: ServerResponse): void {
  sendError(response, error)
}

function toAnswerError(thrown: unknown): AnswerError {
  if (thrown instanceof AnswerError) return thrown
  if (thrown instanceof DatabaseTrouble)
    return new AnswerError(503, 'database_unavailable', 'The database does not answer right now.', {
      retryAfter: 1,
    })
  console.error(thrown)
  return new AnswerError(500, 'internal_error', 'Something went wrong here, and was written down.')
}
