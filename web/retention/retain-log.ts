import type { PoolConnection } from 'mysql2/promise'
import { type LogLimits, purgeLog } from '../database/purge-log.ts'
import { rest } from './rest.ts'

/** numbers a transaction removes: few, so that a commit of hits hardly waits for it */
const batchSize = 500
/** ms between two batches, at least */
const breath = 20

/**
 * Removes what is beyond the log's limits, a batch at a time, until nothing is. It rests twice as long as each batch took:
 * so it asks for a third of one connection's time at most, and for less the busier the database is.
 */
export async function retainLog(
  connection: PoolConnection,
  limits: LogLimits,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const startedAt = performance.now()
    if ((await purgeLog(connection, limits, batchSize)) === 0) return
    if (!(await rest(Math.max(breath, 2 * (performance.now() - startedAt)), signal))) return
  }
}
