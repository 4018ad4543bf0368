import { z } from 'zod'
import { ask } from './ask.ts'
import type { ReadPool } from './pools.ts'

const rows = z.tuple([z.object({ drain_wanted: z.number() })])

/** Whether a life of a replica is asked to drain. @throws when the database does not answer within `timeoutMs` */
export async function readDrainWish(pool: ReadPool, serverId: number, timeoutMs: number): Promise<boolean> {
  const result = await ask(pool, 'SELECT drain_wanted FROM server WHERE id = ?', [serverId], timeoutMs)
  const [server] = rows.parse(result)
  return server.drain_wanted !== 0
}
