import { z } from 'zod'
import { ask } from './ask.ts'
import type { ReadPool } from './pools.ts'

const sql = 'SELECT MAX(id) AS id FROM access_log WHERE srv_id = ? AND id < ?'

const newest = z.tuple([z.object({ id: z.number().int().nullable() })])

/** The newest hit below `before` that a server answered, in any of its lives; null = there is none. One look into an index. */
export async function readNewestOfServer(
  read: ReadPool,
  srvId: string,
  before: number,
): Promise<number | null> {
  const [{ id }] = newest.parse(await ask(read, sql, [srvId, before]))
  return id
}
