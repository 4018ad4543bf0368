import { z } from 'zod'
import type { LogRow } from '../answers.ts'
import { arrivalOf } from '../hit/hit.ts'
import { toIsoTime } from './iso-time.ts'

/** Rows of the log first, then the life each names: the other way round the newest few would need a sort of them all. */
export const logTables = 'access_log a STRAIGHT_JOIN server s ON s.id = a.server_id'

/**
 * An address used again inherits the srv_id but not the name: so the name a visitor moved from is that of the last
 * life that had begun when the hit came. Looked up for moved rows only.
 */
export const logColumns = `a.id, a.created_at, a.client_ip, a.srv_id, s.name AS server_name, a.cookie_srv_id,
  CASE WHEN a.cookie_srv_id <> a.srv_id THEN (
    SELECT f.name FROM server f
    WHERE f.srv_id = a.cookie_srv_id AND f.started_at <= a.created_at
    ORDER BY f.id DESC LIMIT 1
  ) END AS moved_from_name,
  CASE WHEN a.cookie_srv_id = a.srv_id AND a.created_at < s.earlier_until THEN s.earlier_name END AS maybe_from_name`

const joinedRow = z.object({
  id: z.number().int(),
  created_at: z.string(),
  client_ip: z.string(),
  srv_id: z.string(),
  server_name: z.string(),
  cookie_srv_id: z.string().nullable(),
  moved_from_name: z.string().nullable(),
  maybe_from_name: z.string().nullable(),
})

/** From a row with `logColumns` of `logTables`. `showAddress` says how an address is shown (web/http/client-address.ts). */
export function toLogRow(row: unknown, showAddress: (address: string) => string): LogRow {
  const joined = joinedRow.parse(row)
  const { id, created_at, client_ip, srv_id, server_name, cookie_srv_id, moved_from_name } = joined
  const isMoved = cookie_srv_id !== null && cookie_srv_id !== srv_id
  return {
    id,
    at: toIsoTime(created_at),
    client_ip: showAddress(client_ip),
    srv_id,
    server: server_name,
    arrival: arrivalOf(cookie_srv_id, srv_id),
    moved_from: isMoved ? { srv_id: cookie_srv_id, name: moved_from_name } : null,
    ...(joined.maybe_from_name !== null && { maybe_from: { srv_id, name: joined.maybe_from_name } }),
  }
}
