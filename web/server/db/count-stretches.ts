import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { askOn, inTransaction } from './ask.ts'
import { countRows, readCountedStretches, stretchLength } from './log-checkpoints.ts'
import { readLogBounds } from './read-log-bounds.ts'

/**
 * Counts the next stretch that has all its numbers. Numbers commit in order: once a higher one is there, no row of the
 * stretch is still to come. @returns false = there is none
 */
export function countNextStretch(connection: PoolConnection): Promise<boolean> {
  return inTransaction(connection, () => countNext(connection))
}

async function countNext(connection: PoolConnection): Promise<boolean> {
  const bounds = await readLogBounds(connection)
  if (bounds === null) return false
  const counted = await readCountedStretches(connection, { from: bounds.lowest, to: bounds.highest })
  // None, or with a hole that somebody made: then all are made anew.
  if (counted === null) await askOn(connection, 'DELETE FROM log_checkpoint')
  const before = counted?.to ?? Math.ceil((bounds.lowest - 1) / stretchLength) * stretchLength
  const last = before + stretchLength
  if (last > bounds.highest) return false
  const found = await countRows(connection, before + 1, last)
  const sql = `INSERT INTO log_checkpoint (last_id, found, counted_at) VALUES (?, ?, UTC_TIMESTAMP(3))
    ON DUPLICATE KEY UPDATE found = ?, counted_at = UTC_TIMESTAMP(3)`
  await askOn(connection, sql, [last, found, found])
  return true
}

const oldestSql = 'SELECT last_id FROM log_checkpoint ORDER BY counted_at, last_id LIMIT ?'

const stretches = z.array(z.object({ last_id: z.number().int() }))

/** The stretches that were counted longest ago, `limit` at most, each by its last number. */
export async function findOldestCounts(connection: PoolConnection, limit: number): Promise<number[]> {
  const rows = stretches.parse(await askOn(connection, oldestSql, [limit]))
  return rows.map(row => row.last_id)
}

/** Counts a stretch again. One that retention has begun to remove meanwhile has no checkpoint to write to. */
export function recountStretch(connection: PoolConnection, last: number): Promise<void> {
  return inTransaction(connection, async () => {
    const found = await countRows(connection, last - stretchLength + 1, last)
    const sql = 'UPDATE log_checkpoint SET found = ?, counted_at = UTC_TIMESTAMP(3) WHERE last_id = ?'
    await askOn(connection, sql, [found, last])
  })
}
