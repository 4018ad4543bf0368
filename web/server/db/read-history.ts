import { z } from 'zod'
import { ask } from './ask.ts'
import type { ReadPool } from './pools.ts'

/** Equal stretches of time, one after the other. */
export type Buckets = {
  start: Date
  /** length of each, in seconds: whole minutes */
  step: number
  count: number
}

/** The hits of one life of a server in one bucket. */
export type LifeInBucket = { id: number; srv_id: string; name: string; bucket: number; hits: number }

// Added up by the bare key first, and named after: the names of thousands of minutes would double the work.
const sql = `SELECT s.id, s.srv_id, s.name, m.bucket, m.hits
  FROM (
    SELECT server_id, TIMESTAMPDIFF(SECOND, ?, minute) DIV ? AS bucket, CAST(SUM(hits) AS UNSIGNED) AS hits
    FROM server_minute WHERE minute >= ? AND minute < ?
    GROUP BY server_id, bucket
  ) m JOIN server s ON s.id = m.server_id
  ORDER BY s.id, m.bucket`

const counts = z.array(
  z.object({
    id: z.number().int(),
    srv_id: z.string(),
    name: z.string(),
    bucket: z.number().int(),
    hits: z.number().int(),
  }),
)

/** By life, then time; a bucket without hits has no row. */
export async function readHistory(read: ReadPool, { start, step, count }: Buckets): Promise<LifeInBucket[]> {
  const end = new Date(start.getTime() + count * step * 1000)
  const rows = await ask(read, sql, [start, step, start, end])
  return counts.parse(rows)
}
