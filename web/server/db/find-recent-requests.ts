import { z } from 'zod'
import type { Count } from '../hits/hit.ts'
import { toIsoTime } from './iso-time.ts'

export const findRecentRequestsSql = `SELECT r.request_id, r.id, a.created_at
  FROM recent_request r JOIN access_log a ON a.id = r.id
  WHERE r.request_id IN (?)`

const found = z.array(z.object({ request_id: z.string(), id: z.number().int(), created_at: z.string() }))

/** The counts of request ids that are in the log already, from the rows of `findRecentRequestsSql`. */
export function recentRequestsFrom(rows: unknown): Map<string, Count> {
  return new Map(
    found.parse(rows).map(row => [row.request_id, { id: row.id, at: toIsoTime(row.created_at) }]),
  )
}
