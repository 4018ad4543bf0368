import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { onConnection } from './ask.ts'
import type { ReadPool } from './pools.ts'

/** Counting every row of a log of many millions takes seconds; a database that hangs must not hold the audit for ever. */
const timeout = 60_000

const sql = `SELECT
  (SELECT value FROM global_counter WHERE id = 1) AS counter,
  (SELECT MIN(id) FROM access_log) AS min_id,
  (SELECT MAX(id) FROM access_log) AS max_id,
  (SELECT COUNT(*) FROM access_log) AS row_count,
  (SELECT CAST(COALESCE(SUM(hits), 0) AS UNSIGNED) FROM server) AS sum_hits`

const figures = z.tuple([
  z.object({
    counter: z.number().int(),
    /** null: the log is empty */
    min_id: z.number().int().nullable(),
    max_id: z.number().int().nullable(),
    row_count: z.number().int(),
    sum_hits: z.number().int(),
  }),
])

export type AuditFigures = z.output<typeof figures>[0]

/** The figures that must agree, all as of the same commit. Reads the whole log. */
export function readAudit(read: ReadPool): Promise<AuditFigures> {
  return onConnection(read, readConsistently)
}

async function readConsistently(connection: PoolConnection): Promise<AuditFigures> {
  const query = (statement: string) => connection.query({ sql: statement, timeout })
  await query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
  await query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
  const [rows] = await query(sql)
  await query('COMMIT')
  return figures.parse(rows)[0]
}
