import { ask } from './ask.ts'
import type { WritePool } from './pools.ts'

/** Ends a life of a replica in good order. */
export async function endServer(pool: WritePool, serverId: number): Promise<void> {
  const sql = `UPDATE server SET stopped_at = UTC_TIMESTAMP(3), draining = FALSE, rate = 0, streams = 0 WHERE id = ?`
  await ask(pool, sql, [serverId], 1000)
}
