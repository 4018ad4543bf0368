import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
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
export async function readAudit(read: ReadPool): Promise<AuditFigures> {
  const connection = await read.getConnection()
  try {
    const found = await readConsistently(connection)
    connection.release()
    return found
  } catch (error) {
    // Whatever state it is in goes with it: the database rolls back what a closed connection leaves.
    connection.destroy()
    throw error
  }
}

async function readConsistently(connection: PoolConnection): Promise<AuditFigures> {
  const ask = (statement: string) => connection.query({ sql: statement, timeout })
  await ask('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
  await ask('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
  const [rows] = await ask(sql)
  await ask('COMMIT')
  return figures.parse(rows)[0]
}
