import { sendJson } from '../http/answer.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { AnswerError } from '../http/errors.ts'
import type { Readiness } from '../membership/readiness.ts'

/** `GET /health/live`: the event loop turns. */
export const healthLive: Endpoint = (_request, response) => sendJson(response, 200, { live: true })

/** `GET /health/ready`: it can serve; 503 says why not. */
export function healthReady(readiness: Readiness): Endpoint {
  return (_request, response) => {
    const { reason } = readiness
    if (reason !== null) throw new AnswerError(503, 'not_ready', reason)
    sendJson(response, 200, { ready: true })
  }
}
