import type { WritePool } from './pools.ts'

/** Ends a life of a replica in good order. */
export async function endServer(pool: WritePool, serverId: number): Promise<void> {
  await pool.query({
    sql: 'UPDATE server SET stopped_at = UTC_TIMESTAMP(3), draining = FALSE, rate = 0, streams = 0 WHERE id = ?',
    values: [serverId],
    timeout: 1000,
  })
}
