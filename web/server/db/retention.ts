import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { checkpointLength, readLogBounds } from './audit.ts'
import type { ReadPool, WritePool } from './pools.ts'
import { inTransaction, isoTime, onConnection, query, queryOn } from './query.ts'

/** How much of the log to keep. Rows beyond either limit are removed. */
export type LogLimits = { days: number; rows: number }

/**
 * Seconds that every row stays, so that a repeated page view finds its first try: one minute plus the error that the database's
 * clock may have (web/server/retention/database-clock.ts).
 */
const minimumAgeSeconds = 90

/** What one batch removed. */
export type Purge = {
  rows: number
  /** the highest number processed, and the time of the highest row removed */
  through: number
  throughAt: string
}

// Removes only numbers below the first row that stays, so the lowest number left says how many are gone.
const firstKeptSql = `SELECT MIN(id) AS id FROM access_log
  WHERE id BETWEEN ? AND ?
    AND created_at >= CAST(? AS DATETIME(3)) - INTERVAL ? DAY
    AND (id > ? OR created_at >= CAST(? AS DATETIME(3)) - INTERVAL ${minimumAgeSeconds} SECOND)`

const firstKept = z.tuple([z.object({ id: z.number().int().nullable() })])

const lastRow = z.tuple([z.object({ created_at: isoTime })])
const deleted = z.looseObject({ affectedRows: z.number() })

/**
 * Removes the lowest rows beyond the limits, at most `batch` numbers, in one transaction. Ages are counted to `now`. The
 * database's clock is not read here: it may just have jumped.
 * @returns what was removed; null if nothing had to be
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
  const [{ id: kept }] = firstKept.parse(await queryOn(connection, firstKeptSql, values))
  const through = kept === null ? last : kept - 1
  if (through < lowest) return null
  const range = [lowest, through]
  const lastSql = 'SELECT created_at FROM access_log WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1'
  const [{ created_at }] = lastRow.parse(await queryOn(connection, lastSql, range))
  const deleteSql = 'DELETE FROM access_log WHERE id BETWEEN ? AND ?'
  const { affectedRows: rows } = deleted.parse(await queryOn(connection, deleteSql, range))
  // A checkpoint is removed with the first of its rows. The rows left of it are counted on every audit.
  await queryOn(connection, 'DELETE FROM log_checkpoint WHERE last_id < ?', [through + checkpointLength])
  const purgeSql = `INSERT INTO log_purge (id, through_id) VALUES (1, ?)
    ON DUPLICATE KEY UPDATE through_id = GREATEST(through_id, ?)`
  await queryOn(connection, purgeSql, [through, through])
  return { rows, through, throughAt: created_at }
}

/** Minutes to keep a request id, by the database's clock: longer than any retry. */
const keepMinutes = 10

// The times are in the log. A request id whose log row is gone is older than any retry.
const oldestRequestsSql = `SELECT MIN(IF(a.created_at > UTC_TIMESTAMP(3) - INTERVAL ${keepMinutes} MINUTE, r.id, NULL)) AS kept,
    MAX(r.id) AS last
  FROM (SELECT id FROM recent_request WHERE id <= ? ORDER BY id LIMIT ?) r
  LEFT JOIN access_log a ON a.id = r.id`

const nullableNumber = z.number().int().nullable()
const oldestRequests = z.tuple([z.object({ kept: nullableNumber, last: nullableNumber })])

/**
 * Deletes request ids that are ten minutes old and whose number is at most `lastId`, lowest first, at most `limit`. Reads no
 * further than the first id that stays. @returns how many were deleted
 */
export function pruneRecentRequests(pool: WritePool, lastId: number, limit: number): Promise<number> {
  return onConnection(pool, connection =>
    inTransaction(connection, async () => {
      const [{ kept, last }] = oldestRequests.parse(
        await queryOn(connection, oldestRequestsSql, [lastId, limit]),
      )
      const through = kept === null ? last : kept - 1
      if (through === null) return 0
      const sql = 'DELETE FROM recent_request WHERE id <= ? ORDER BY id LIMIT ?'
      return deleted.parse(await queryOn(connection, sql, [through, limit])).affectedRows
    }),
  )
}

export type ClockReading = {
  /** the database's current time */
  now: Date
  /** the time that retention last trusted; null if it never ran */
  believedAt: Date | null
  /** the time of the log's lowest row; null if the log is empty */
  oldestRowAt: Date | null
}

const clockSql = `SELECT UTC_TIMESTAMP(3) AS now,
  (SELECT believed_at FROM retention_clock WHERE id = 1) AS believed_at,
  (SELECT created_at FROM access_log ORDER BY id LIMIT 1) AS oldest_row_at`

const date = isoTime.transform(text => new Date(text))
const clockReading = z.tuple([
  z.object({
    now: date,
    believed_at: date.nullable(),
    oldest_row_at: date.nullable(),
  }),
])

/** @throws DatabaseUnavailable */
export async function readRetentionClock(read: ReadPool): Promise<ClockReading> {
  const [row] = clockReading.parse(await query(read, clockSql))
  return { now: row.now, believedAt: row.believed_at, oldestRowAt: row.oldest_row_at }
}

/** Stores the time that retention trusts, for replicas that start later. */
export async function writeBelievedTime(connection: PoolConnection, now: Date): Promise<void> {
  const write = `INSERT INTO retention_clock (id, believed_at) VALUES (1, ?)
    ON DUPLICATE KEY UPDATE believed_at = ?`
  await queryOn(connection, write, [now, now])
}
