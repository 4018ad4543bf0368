import { z } from 'zod'
import type { LogRow } from '../../shared/api.ts'
import { forgottenAfterSeconds } from '../../shared/limits.ts'
import { logColumns, logTables, toLogRows } from './log.ts'
import { sumHitsSql } from './past-servers.ts'
import type { ReadPool } from './pools.ts'
import { isoTime, query } from './query.ts'
import { type BoardServer, boardServer, byGoneAt, seenWithinSql, serverColumns } from './server-state.ts'

/** From one consistent read: `totalHits`, the hits of all servers ever, equals `counter` and the newest row's number. */
export type BoardReading = {
  counter: number
  totalHits: number
  at: string
  servers: BoardServer[]
  /** newest first */
  log: LogRow[]
  /** when the hit with the number `after` was counted; null if that row does not exist */
  afterAt: string | null
}

/** Which rows of the log to read: the newest `limit` with a number above `after`. */
type LogTail = { after: number; limit: number; showAddress: (address: string) => string }

const noTail: LogTail = { after: 0, limit: 0, showAddress: address => address }

// One statement sees one state of the data, so counter, servers and rows agree, and a dashboard's update costs one query
// (plus one if visitors have moved). Each row repeats the totals. The servers and the log each give at least one row, of NULLs
// if there is nothing.
// Of stopped instances at an address only the newest is shown (web/server/lifecycle/own-row.ts).
const sql = `SELECT c.value AS counter, UTC_TIMESTAMP(3) AS at,
    ${sumHitsSql} AS total_hits,
    (SELECT created_at FROM access_log WHERE id = ?) AS after_at,
    ${serverColumns}, tail.*
  FROM global_counter c
  JOIN (SELECT 'servers' AS kind UNION ALL SELECT 'log') part
  LEFT JOIN server s ${byGoneAt} ON part.kind = 'servers' AND s.gone_at IS NULL AND ${seenWithinSql('s', forgottenAfterSeconds)}
    AND (s.stopped_at IS NULL OR NOT EXISTS (
      SELECT 1 FROM server later ${byGoneAt} WHERE later.gone_at IS NULL AND later.srv_id = s.srv_id AND later.id > s.id
    ))
  LEFT JOIN (
    SELECT ${logColumns} FROM ${logTables} WHERE a.id > ? ORDER BY a.id DESC LIMIT ?
  ) tail ON part.kind = 'log'
  WHERE c.id = 1`

const totals = z.object({
  counter: z.number().int(),
  total_hits: z.number().int(),
  at: isoTime,
  after_at: isoTime.nullable(),
})
// Not an object's schema: that would copy each row's columns before they are parsed.
const row = z.custom<{ instance_id: unknown; id: unknown }>(
  value => typeof value === 'object' && value !== null && 'instance_id' in value && 'id' in value,
)
const reading = z.array(row).min(1)

/** Reads the counter, the servers to show, and the newest rows of the log. @throws if there is no answer within `timeoutMs` */
export async function readBoard(pool: ReadPool, timeoutMs: number, tail = noTail): Promise<BoardReading> {
  const endsAt = performance.now() + timeoutMs
  const rows = reading.parse(await query(pool, sql, [tail.after, tail.after, tail.limit], timeoutMs))
  const { counter, total_hits: totalHits, at, after_at: afterAt } = totals.parse(rows[0])
  const servers = rows.filter(row => row.instance_id !== null).map(row => boardServer.parse(row))
  const logRows = rows.filter(row => row.id !== null)
  const log = await toLogRows(logRows, tail.showAddress, (namesSql, values) =>
    query(pool, namesSql, values, Math.max(1, endsAt - performance.now())),
  )
  return { counter, totalHits, at, servers: inOrder(servers), log: newestFirst(log), afterAt }
}

/** Shorter names first: web-2 before web-10. */
function inOrder(servers: BoardServer[]): BoardServer[] {
  const byName = (a: string, b: string) => (a < b ? -1 : Number(a > b))
  return servers.sort((a, b) => a.name.length - b.name.length || byName(a.name, b.name) || a.id - b.id)
}

const newestFirst = (log: LogRow[]) => log.sort((a, b) => b.id - a.id)
