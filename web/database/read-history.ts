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

const sql = `SELECT s.id, s.srv_id, s.name,
    TIMESTAMPDIFF(SECOND, ?, m.minute) DIV ? AS bucket,
    CAST(SUM(m.hits) AS UNSIGNED) AS hits
  FROM server_minute m JOIN server s ON s.id = m.server_id
  WHERE m.minute >= ? AND m.minute < ?
  GROUP BY s.id, s.srv_id, s.name, bucket
  ORDER BY s.id, bucket`

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
