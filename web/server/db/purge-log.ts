import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { askOn, inTransaction } from './ask.ts'
import { toIsoTime } from './iso-time.ts'
import { stretchLength } from './log-checkpoints.ts'
import { readLogBounds } from './read-log-bounds.ts'

/** How much of the log is kept: rows go that are older, or further down, than that. */
export type LogLimits = { days: number; rows: number }

/**
 * Seconds any row stays: a page view that is tried again must find its first try. One minute, and what the database's
 * clock may be off (web/server/retention/database-clock.ts).
 */
const shortestStay = 90

/** What one batch removed. */
export type Purge = {
  rows: number
  /** the highest number gone through, and the time of the highest row removed */
  through: number
  throughAt: string
}

// Only numbers up to the first row that stays: so the lowest number left tells what is gone.
const firstKeptSql = `SELECT MIN(id) AS id FROM access_log
  WHERE id BETWEEN ? AND ?
    AND created_at >= CAST(? AS DATETIME(3)) - INTERVAL ? DAY
    AND (id > ? OR created_at >= CAST(? AS DATETIME(3)) - INTERVAL ${shortestStay} SECOND)`

const firstKept = z.tuple([z.object({ id: z.number().int().nullable() })])

const removed = z.tuple([
  z.tuple([z.object({ created_at: z.string() })]),
  z.looseObject({ affectedRows: z.number() }),
])

/**
 * Removes the lowest rows beyond the limits, `batch` numbers at most, in one transaction. `now` is the time
 * that ages are counted to, never the database's clock while this runs: that may just have jumped.
 * @returns what went; null = nothing has to go
 */
export function purgeLog(
  connection: PoolConnection,
  limits: LogLimits,
  batch: number,
  now: Date,
): Promise<Purge | null> {
  return inTransaction(connection, () => purgeLowest(connection, limits, batch, now))
}

async function purgeLowest(
  connection: PoolConnection,
  limits: LogLimits,
  batch: number,
  now: Date,
): Promise<Purge | null> {
  const bounds = await readLogBounds(connection)
  if (bounds === null) return null
  const { lowest, highest } = bounds
  const last = Math.min(lowest + batch - 1, highest)
  const values = [lowest, last, now, limits.days, highest - limits.rows, now]
  const [{ id: kept }] = firstKept.parse(await askOn(connection, firstKeptSql, values))
  const through = kept === null ? last : kept - 1
  if (through < lowest) return null
  const results = z.array(z.unknown()).parse(await askOn(connection, purgePacket(lowest, through)))
  const [[{ created_at }], { affectedRows: rows }] = removed.parse(results.slice(0, 2))
  return { rows, through, throughAt: toIsoTime(created_at) }
}

/** A checkpoint goes with the first row of its stretch: what is left of the stretch is counted each time. */
function purgePacket(lowest: number, through: number): string {
  return [
    `SELECT created_at FROM access_log WHERE id BETWEEN ${lowest} AND ${through} ORDER BY id DESC LIMIT 1`,
    `DELETE FROM access_log WHERE id BETWEEN ${lowest} AND ${through}`,
    `DELETE FROM log_checkpoint WHERE last_id < ${through + stretchLength}`,
    `INSERT INTO log_purge (id, through_id) VALUES (1, ${through})
      ON DUPLICATE KEY UPDATE through_id = GREATEST(through_id, ${through})`,
  ].join('; ')
}
