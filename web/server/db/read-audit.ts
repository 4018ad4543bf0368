import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { askOn, onConnection } from './ask.ts'
import { countRows, readCountedStretches } from './log-checkpoints.ts'
import { sumHitsSql } from './past-servers.ts'
import type { ReadPool } from './pools.ts'

/** The newest numbers, whose rows are counted each time; of those below, what was found when they were last counted. */
const countedAnew = 20_000

/** Without checkpoints every row is counted, which takes seconds; a database that hangs must not hold the audit for ever. */
const countPatience = 60_000

const sql = `SELECT
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
  await askOn(connection, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
  await askOn(connection, 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
  const [read] = figures.parse(await askOn(connection, sql))
  const { min_id: lowest, max_id: highest } = read
  const row_count = lowest === null || highest === null ? 0 : await countLog(connection, lowest, highest)
  await askOn(connection, 'COMMIT')
  return { ...read, row_count }
}

async function countLog(connection: PoolConnection, lowest: number, highest: number): Promise<number> {
  const count = (from: number, to: number) => countRows(connection, from, to, countPatience)
  const counted = await readCountedStretches(connection, { from: lowest, to: highest - countedAnew })
  if (counted === null) return count(lowest, highest)
  return (await count(lowest, counted.from - 1)) + counted.rows + (await count(counted.to + 1, highest))
}
