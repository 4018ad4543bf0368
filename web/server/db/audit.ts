import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import type { Audit } from '../../shared/api.ts'
import { sumHitsSql } from './past-servers.ts'
import { onceUpToDate, type ReadPool, readIsGalera } from './pools.ts'
import { inTransaction, onConnection, queryOn } from './query.ts'

/** Numbers one checkpoint covers. The last number of a checkpoint is a multiple of it. */
export const checkpointLength = 5000

/** The rows of this many newest numbers are counted on every audit. Older rows are taken from the checkpoints. */
const newestCounted = 20_000

/** ms. Without checkpoints all rows are counted, which takes seconds. The limit ends an audit whose database hangs. */
const countTimeoutMs = 60_000

const auditSql = `SELECT
  (SELECT value FROM global_counter WHERE id = 1) AS counter,
  (SELECT MIN(id) FROM access_log) AS min_id,
  (SELECT MAX(id) FROM access_log) AS max_id,
  (SELECT through_id FROM log_purge WHERE id = 1) AS purged_through,
  ${sumHitsSql} AS sum_hits`

const auditRow = z.tuple([
  z.object({
    counter: z.number().int(),
    /** null if the log is empty */
    min_id: z.number().int().nullable(),
    max_id: z.number().int().nullable(),
    /** the highest number that retention removed; null if it removed none */
    purged_through: z.number().int().nullable(),
    sum_hits: z.number().int(),
  }),
])

export type AuditCounts = z.output<typeof auditRow>[0] & { row_count: number }

/** The counts that must agree, read from one snapshot of the data. @throws DatabaseUnavailable */
export function readAudit(read: ReadPool): Promise<AuditCounts> {
  return onConnection(read, readConsistently)
}

/** Compares the counts. Rows are counted, not derived from the numbers, so that a missing row shows. */
export function auditOf({
  counter,
  min_id,
  max_id,
  purged_through,
  row_count,
  sum_hits,
}: AuditCounts): Audit {
  // The lowest number says how many rows are gone. An empty log has none: then only rows that retention removed may be missing.
  const purged = min_id === null ? (purged_through ?? 0) : min_id - 1
  const isNewestTheCounter = max_id === null || max_id === counter
  return {
    counter,
    max_id: max_id ?? 0,
    rows: row_count,
    purged,
    sum_hits,
    consistent: isNewestTheCounter && sum_hits === counter && row_count + purged === counter,
  }
}

async function readConsistently(connection: PoolConnection): Promise<AuditCounts> {
  if (await readIsGalera(connection)) await queryOn(connection, onceUpToDate('SELECT 1'))
  await queryOn(connection, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
  await queryOn(connection, 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
  const [read] = auditRow.parse(await queryOn(connection, auditSql))
  const { min_id: lowest, max_id: highest } = read
  const row_count = lowest === null || highest === null ? 0 : await countLog(connection, lowest, highest)
  await queryOn(connection, 'COMMIT')
  return { ...read, row_count }
}

async function countLog(connection: PoolConnection, lowest: number, highest: number): Promise<number> {
  const count = (from: number, to: number) => countRows(connection, from, to, countTimeoutMs)
  const counted = await readCheckpoints(connection, { from: lowest, to: highest - newestCounted })
  if (counted === null) return count(lowest, highest)
  return (await count(lowest, counted.from - 1)) + counted.rows + (await count(counted.to + 1, highest))
}

/** Numbers `from` to `to`, whose checkpoints found `rows` rows. */
type CountedRange = { from: number; to: number; rows: number }

const countedSql = `SELECT MIN(last_id) AS first, MAX(last_id) AS last, COUNT(*) AS checkpoints,
    CAST(SUM(found) AS UNSIGNED) AS found
  FROM log_checkpoint WHERE last_id BETWEEN ? AND ?`

const number = z.number().int().nullable()
const counted = z.tuple([
  z.object({ first: number, last: number, checkpoints: z.number().int(), found: number }),
])

/**
 * Adds up the checkpoints that lie within the numbers `from` to `to`.
 * @returns null if there are none, or if one between the first and the last is missing
 */
async function readCheckpoints(
  connection: PoolConnection,
  { from, to }: { from: number; to: number },
): Promise<CountedRange | null> {
  const [{ first, last, checkpoints, found }] = counted.parse(
    await queryOn(connection, countedSql, [from + checkpointLength - 1, to]),
  )
  if (first === null || last === null || found === null) return null
  if (last - first !== (checkpoints - 1) * checkpointLength) return null
  return { from: first - checkpointLength + 1, to: last, rows: found }
}

const rowCount = z.tuple([z.object({ n: z.number().int() })])

/** Counts the rows with numbers `from` to `to` by the primary key, where they lie next to each other. */
async function countRows(connection: PoolConnection, from: number, to: number, timeoutMs?: number) {
  const sql = 'SELECT COUNT(*) AS n FROM access_log FORCE INDEX (PRIMARY) WHERE id BETWEEN ? AND ?'
  const [{ n }] = rowCount.parse(await queryOn(connection, sql, [from, to], timeoutMs))
  return n
}

/**
 * Writes the next checkpoint, once the log has a number past its end. Numbers commit in order, so no row of the
 * checkpoint can still be missing then. @returns false if there is nothing to write yet
 */
export function writeNextCheckpoint(connection: PoolConnection): Promise<boolean> {
  return inTransaction(connection, () => writeNext(connection))
}

async function writeNext(connection: PoolConnection): Promise<boolean> {
  const bounds = await readLogBounds(connection)
  if (bounds === null) return false
  const counted = await readCheckpoints(connection, { from: bounds.lowest, to: bounds.highest })
  // No checkpoints, or a person deleted some: start from the beginning.
  if (counted === null) await queryOn(connection, 'DELETE FROM log_checkpoint')
  const before = counted?.to ?? Math.ceil((bounds.lowest - 1) / checkpointLength) * checkpointLength
  const last = before + checkpointLength
  if (last > bounds.highest) return false
  const found = await countRows(connection, before + 1, last)
  const sql = `INSERT INTO log_checkpoint (last_id, found, counted_at) VALUES (?, ?, UTC_TIMESTAMP(3))
    ON DUPLICATE KEY UPDATE found = ?, counted_at = UTC_TIMESTAMP(3)`
  await queryOn(connection, sql, [last, found, found])
  return true
}

const oldestSql = 'SELECT last_id FROM log_checkpoint ORDER BY counted_at, last_id LIMIT ?'

const checkpointIds = z.array(z.object({ last_id: z.number().int() }))

/** The last numbers of the checkpoints that were counted longest ago, at most `limit`. */
export async function findOldestCheckpoints(connection: PoolConnection, limit: number): Promise<number[]> {
  const rows = checkpointIds.parse(await queryOn(connection, oldestSql, [limit]))
  return rows.map(row => row.last_id)
}

/** Counts the rows of a checkpoint again. Does nothing if retention has removed the checkpoint meanwhile. */
export function recountCheckpoint(connection: PoolConnection, last: number): Promise<void> {
  return inTransaction(connection, async () => {
    const found = await countRows(connection, last - checkpointLength + 1, last)
    const sql = 'UPDATE log_checkpoint SET found = ?, counted_at = UTC_TIMESTAMP(3) WHERE last_id = ?'
    await queryOn(connection, sql, [found, last])
  })
}

const boundsSql = 'SELECT MIN(id) AS lowest, MAX(id) AS highest FROM access_log'
const bounds = z.tuple([z.object({ lowest: number, highest: number })])

/** The lowest and the highest number in the log; null if it is empty. Two index look-ups. */
export async function readLogBounds(connection: PoolConnection) {
  const [{ lowest, highest }] = bounds.parse(await queryOn(connection, boundsSql))
  return lowest === null || highest === null ? null : { lowest, highest }
}
