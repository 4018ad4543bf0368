import { z } from 'zod'
import { ask } from './ask.ts'
import type { ReadPool } from './pools.ts'

const sql = `SELECT
  (SELECT MIN(id) FROM access_log) AS oldest,
  (SELECT MAX(id) FROM access_log WHERE id < ?) AS newest`

const ends = z.tuple([z.object({ oldest: z.number().int().nullable(), newest: z.number().int().nullable() })])

/** The oldest number in the log and the newest below `before`; null = there is none. Two looks into an index. */
export async function readLogEnds(read: ReadPool, before: number) {
  const rows = await ask(read, sql, [before])
  const [found] = ends.parse(rows)
  return found
}
