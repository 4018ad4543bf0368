import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { askOn } from './ask.ts'
import { stretchLength } from './log-checkpoints.ts'
import { readLogBounds } from './read-log-bounds.ts'

/** How much of the log is kept: rows go that are older, or further down, than that. */
export type LogLimits = { days: number; rows: number }

/** Seconds any row stays: a page view that is tried again must find its first try. */
const shortestStay = 60

// Only numbers up to the first row that stays: so the lowest number left tells what is gone.
const firstKeptSql = `SELECT MIN(id) AS id FROM access_log
  WHERE id BETWEEN ? AND ?
    AND created_at >= UTC_TIMESTAMP(3) - INTERVAL ? DAY
    AND (id > ? OR created_at >= UTC_TIMESTAMP(3) - INTERVAL ${shortestStay} SECOND)`

const firstKept = z.tuple([z.object({ id: z.number().int().nullable() })])

/**
 * Removes the lowest rows beyond the limits, `batch` numbers at most, in one transaction and one packet.
 * @returns the numbers gone through; 0 = nothing has to go
 */
export async function purgeLog(
  connection: PoolConnection,
  limits: LogLimits,
  batch: number,
): Promise<number> {
  const bounds = await readLogBounds(connection)
  if (bounds === null) return 0
  const { lowest, highest } = bounds
  const last = Math.min(lowest + batch - 1, highest)
  const rows = await askOn(connection, firstKeptSql, [lowest, last, limits.days, highest - limits.rows])
  const [{ id: kept }] = firstKept.parse(rows)
  const through = kept === null ? last : kept - 1
  if (through < lowest) return 0
  await askOn(connection, purgePacket(lowest, through))
  return through - lowest + 1
}

/** A checkpoint goes with the first row of its stretch: what is left of the stretch is counted each time. */
function purgePacket(lowest: number, through: number): string {
  return [
    'START TRANSACTION',
    `DELETE FROM access_log WHERE id BETWEEN ${lowest} AND ${through}`,
    `DELETE FROM log_checkpoint WHERE last_id < ${through + stretchLength}`,
    `INSERT INTO log_purge (id, through_id) VALUES (1, ${through})
      ON DUPLICATE KEY UPDATE through_id = GREATEST(through_id, ${through})`,
    'COMMIT',
  ].join('; ')
}
