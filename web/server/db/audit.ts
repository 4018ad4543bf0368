import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import type { ReadPool } from './pools.ts'
import { inTransaction, onConnection, queryOn } from './query.ts'
import { sumHitsSql } from './server-row.ts'

/** The newest numbers, whose rows are counted each time; of those below, what was found when they were last counted. */
const countedAnew = 20_000

/** Without checkpoints every row is counted, which takes seconds; a database that hangs must not hold the audit for ever. */
const countPatience = 60_000

const auditSql = `SELECT
  (SELECT value FROM global_counter WHERE id = 1) AS counter,
  (SELECT MIN(id) FROM access_log) AS min_id,
  (SELECT MAX(id) FROM access_log) AS max_id,
  (SELECT through_id FROM log_purge WHERE id = 1) AS purged_through,
  ${sumHitsSql} AS sum_hits`

const figures = z.tuple([
  z.object({
    counter: z.number().int(),
    /** null: the log is empty */
    min_id: z.number().int().nullable(),
    max_id: z.number().int().nullable(),
    /** the highest number that retention removed; null: it removed none */
    purged_through: z.number().int().nullable(),
    sum_hits: z.number().int(),
  }),
])

export type AuditFigures = z.output<typeof figures>[0] & { row_count: number }

/** The figures that must agree, all as of the same commit. */
export function readAudit(read: ReadPool): Promise<AuditFigures> {
  return onConnection(read, readConsistently)
}

async function readConsistently(connection: PoolConnection): Promise<AuditFigures> {
  await queryOn(connection, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
  await queryOn(connection, 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
  const [read] = figures.parse(await queryOn(connection, auditSql))
  const { min_id: lowest, max_id: highest } = read
  const row_count = lowest === null || highest === null ? 0 : await countLog(connection, lowest, highest)
  await queryOn(connection, 'COMMIT')
  return { ...read, row_count }
}

async function countLog(connection: PoolConnection, lowest: number, highest: number): Promise<number> {
  const count = (from: number, to: number) => countRows(connection, from, to, countPatience)
  const counted = await readCountedStretches(connection, { from: lowest, to: highest - countedAnew })
  if (counted === null) return count(lowest, highest)
  return (await count(lowest, counted.from - 1)) + counted.rows + (await count(counted.to + 1, highest))
}

/** Numbers one checkpoint stands for. A stretch's last number is a multiple of it. */
export const stretchLength = 5000

/** Rows that need not be counted, as their stretches were: those of the numbers `from` to `to`. */
type CountedStretches = { from: number; to: number; rows: number }

const countedSql = `SELECT MIN(last_id) AS first, MAX(last_id) AS last, COUNT(*) AS stretches,
    CAST(SUM(found) AS UNSIGNED) AS found
  FROM log_checkpoint WHERE last_id BETWEEN ? AND ?`

const number = z.number().int().nullable()
const counted = z.tuple([
  z.object({ first: number, last: number, stretches: z.number().int(), found: number }),
])

/**
 * What the checkpoints say of the whole stretches within the numbers `from` to `to`.
 * @returns null = nothing, or not of all stretches between the first and the last, so nothing that can be relied on
 */
async function readCountedStretches(
  connection: PoolConnection,
  { from, to }: { from: number; to: number },
): Promise<CountedStretches | null> {
  const [{ first, last, stretches, found }] = counted.parse(
    await queryOn(connection, countedSql, [from + stretchLength - 1, to]),
  )
  if (first === null || last === null || found === null) return null
  if (last - first !== (stretches - 1) * stretchLength) return null
  return { from: first - stretchLength + 1, to: last, rows: found }
}

const rowCount = z.tuple([z.object({ n: z.number().int() })])

/** Counts the rows of the numbers `from` to `to`. By the key: in it they stand together. */
async function countRows(connection: PoolConnection, from: number, to: number, timeoutMs?: number) {
  const sql = 'SELECT COUNT(*) AS n FROM access_log FORCE INDEX (PRIMARY) WHERE id BETWEEN ? AND ?'
  const [{ n }] = rowCount.parse(await queryOn(connection, sql, [from, to], timeoutMs))
  return n
}

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
  if (counted === null) await queryOn(connection, 'DELETE FROM log_checkpoint')
  const before = counted?.to ?? Math.ceil((bounds.lowest - 1) / stretchLength) * stretchLength
  const last = before + stretchLength
  if (last > bounds.highest) return false
  const found = await countRows(connection, before + 1, last)
  const sql = `INSERT INTO log_checkpoint (last_id, found, counted_at) VALUES (?, ?, UTC_TIMESTAMP(3))
    ON DUPLICATE KEY UPDATE found = ?, counted_at = UTC_TIMESTAMP(3)`
  await queryOn(connection, sql, [last, found, found])
  return true
}

const oldestCountsSql = 'SELECT last_id FROM log_checkpoint ORDER BY counted_at, last_id LIMIT ?'

const stretches = z.array(z.object({ last_id: z.number().int() }))

/** The stretches that were counted longest ago, `limit` at most, each by its last number. */
export async function findOldestCounts(connection: PoolConnection, limit: number): Promise<number[]> {
  const rows = stretches.parse(await queryOn(connection, oldestCountsSql, [limit]))
  return rows.map(row => row.last_id)
}

/** Counts a stretch again. One that retention has begun to remove meanwhile has no checkpoint to write to. */
export function recountStretch(connection: PoolConnection, last: number): Promise<void> {
  return inTransaction(connection, async () => {
    const found = await countRows(connection, last - stretchLength + 1, last)
    const sql = 'UPDATE log_checkpoint SET found = ?, counted_at = UTC_TIMESTAMP(3) WHERE last_id = ?'
    await queryOn(connection, sql, [found, last])
  })
}

const boundsSql = 'SELECT MIN(id) AS lowest, MAX(id) AS highest FROM access_log'
const bounds = z.tuple([z.object({ lowest: number, highest: number })])

/** The lowest and the highest number in the log; null = it is empty. Two looks into an index. */
export async function readLogBounds(connection: PoolConnection) {
  const [{ lowest, highest }] = bounds.parse(await queryOn(connection, boundsSql))
  return lowest === null || highest === null ? null : { lowest, highest }
}
