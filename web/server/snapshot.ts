import type { Board } from './feed/board.ts'
import { sendJson } from './http/answer.ts'
import type { Endpoint } from './http/endpoint.ts'

/** ms a snapshot may be old: many that ask cost the database no more than one. */
const maxAgeMs = 500

/** `GET /api/snapshot`: the board as of now; no hit. */
export function snapshotEndpoint(board: Board): Endpoint {
  return async (_request, response) => {
    sendJson(response, 200, await board.noOlderThan(maxAgeMs))
  }
}
