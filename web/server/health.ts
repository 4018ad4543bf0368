import { AnswerError } from './errors.ts'
import { sendJson } from './http/answer.ts'
import type { Endpoint } from './http/endpoint.ts'
import type { Readiness } from './lifecycle/readiness.ts'

/** `GET /health/live`: the event loop turns. Whoever restarts what is unwell asks this. */
export const healthLive: Endpoint = (_request, response) => sendJson(response, 200, { live: true })

/** `GET /health/ready`: new visitors may come; 503 says why not. Nothing to restart a replica for. */
export function healthReady(readiness: Readiness): Endpoint {
  return (_request, response) => {
    const { unready } = readiness
    if (unready) throw new AnswerError(503, unready.code, unready.message)
    sendJson(response, 200, { ready: true })
  }
}
