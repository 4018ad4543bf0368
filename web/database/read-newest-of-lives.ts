import { z } from 'zod'
import { ask } from './ask.ts'
import type { ReadPool } from './pools.ts'

// With the life as a constant this is one look at the end of its part of the index (server_id, id); grouped, or joined
// to `server`, it can be a walk over all the rows of a life.
const newestOfOne = '(SELECT MAX(id) AS id FROM access_log WHERE server_id = ? AND id < ?)'

const newestOfEach = z.array(z.object({ id: z.number().int().nullable() }))

/** The newest hit below `before` that one of these lives answered; null = there is none. */
export async function readNewestOfLives(
  read: ReadPool,
  lives: number[],
  before: number,
): Promise<number | null> {
  if (lives.length === 0) return null
  const sql = lives.map(() => newestOfOne).join(' UNION ALL ')
  const rows = await ask(
    read,
    sql,
    lives.flatMap(life => [life, before]),
  )
  const newest = Math.max(0, ...newestOfEach.parse(rows).map(row => row.id ?? 0))
  return newest || null
}
