import { z } from 'zod'
import type { LogRow } from '../../shared/api.ts'
import { logColumns, logTables, toLogRows } from './log.ts'
import { type ReadPool, toIsoTime } from './pools.ts'
import { query } from './query.ts'
import {
  type BoardServer,
  boardServer,
  byGoneAt,
  seenWithinSql,
  serverColumns,
  sumHitsSql,
} from './server-row.ts'

/**
 * From one consistent read: `totalHits`, of all servers that ever were, equals `counter`, and so does the number of the
 * newest row.
 */
export type BoardReading = {
  counter: number
  totalHits: number
  at: string
  servers: BoardServer[]
  /** newest first */
  log: LogRow[]
  /** when the hit with the number `after` was counted; null = there is no such row */
  afterAt: string | null
}

/** Which of the log's rows are wanted: the newest `limit` of those after number `after`. */
type LogTail = { after: number; limit: number; showAddress: (address: string) => string }

/** For those who want none. */
const noTail: LogTail = { after: 0, limit: 0, showAddress: address => address }

// One statement has one view of the data, so figures and rows belong together, and a dashboard's news is one question; where
// moved visitors came from is another. The figures stand in every row; each part has one at least, of nothing where it is
// empty.
// The newest life at an address stands for it, but for one that lives as well (web/server/lifecycle/own-row.ts).
const sql = `SELECT c.value AS counter, UTC_TIMESTAMP(3) AS at,
    ${sumHitsSql} AS total_hits,
    (SELECT created_at FROM access_log WHERE id = ?) AS after_at,
    ${serverColumns}, tail.*
  FROM global_counter c
  JOIN (SELECT 'servers' AS kind UNION ALL SELECT 'log') part
  LEFT JOIN server s ${byGoneAt} ON part.kind = 'servers' AND s.gone_at IS NULL AND ${seenWithinSql('s', 'forgotten')}
    AND (s.stopped_at IS NULL OR NOT EXISTS (
      SELECT 1 FROM server later ${byGoneAt} WHERE later.gone_at IS NULL AND later.srv_id = s.srv_id AND later.id > s.id
    ))
  LEFT JOIN (
    SELECT ${logColumns} FROM ${logTables} WHERE a.id > ? ORDER BY a.id DESC LIMIT ?
  ) tail ON part.kind = 'log'
  WHERE c.id = 1`

const figures = z.object({
  counter: z.number().int(),
  total_hits: z.number().int(),
  at: z.string().transform(toIsoTime),
  after_at: z.string().transform(toIsoTime).nullable(),
})
const reading = z.array(z.looseObject({ life_id: z.number().nullable(), id: z.number().nullable() })).min(1)

/** The counter, the servers to show, and the log's newest rows. @throws when the database does not answer within `timeoutMs` */
export async function readBoard(pool: ReadPool, timeoutMs: number, tail = noTail): Promise<BoardReading> {
  const endsAt = performance.now() + timeoutMs
  const rows = reading.parse(await query(pool, sql, [tail.after, tail.after, tail.limit], timeoutMs))
  const { counter, total_hits: totalHits, at, after_at: afterAt } = figures.parse(rows[0])
  const servers = rows.filter(row => row.life_id !== null).map(row => boardServer.parse(row))
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
