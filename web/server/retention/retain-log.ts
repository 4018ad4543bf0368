import type { PoolConnection } from 'mysql2/promise'
import { type LogLimits, type Purge, purgeLog } from '../db/purge-log.ts'
import { rest } from '../lifecycle/rest.ts'

/** numbers a transaction removes: few, so that a commit of hits hardly waits for it */
const batchSize = 500
/** ms between two batches, at least */
const breath = 20

/**
 * Removes what is beyond the log's limits at the time `now`, a batch at a time, until nothing is. It rests twice as long as
 * each batch took: so it asks for a third of one connection's time at most, and for less the busier the database is.
 */
export async function retainLog(
  connection: PoolConnection,
  limits: LogLimits,
  now: Date,
  signal: AbortSignal,
  onPurged: (purge: Purge) => void = () => {},
): Promise<void> {
  for (;;) {
    const startedAt = performance.now()
    const purge = await purgeLog(connection, limits, batchSize, now)
    if (purge === null) return
    onPurged(purge)
    if (!(await rest(Math.max(breath, 2 * (performance.now() - startedAt)), signal))) return
  }
}
