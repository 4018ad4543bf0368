import { ifAlone } from '../database/named-lock.ts'
import type { Pools } from '../database/pools.ts'
import type { LogLimits } from '../database/purge-log.ts'
import { countLog } from './count-log.ts'
import { repeat } from './repeat.ts'
import type { RequestIdRetention } from './request-id-retention.ts'
import { retainLog } from './retain-log.ts'

/** Keeps the tables within bounds, and what the audit counts from, for as long as the replica runs. @returns how to stop */
export function startUpkeep(
  { upkeep }: Pools,
  limits: LogLimits,
  requestIds: RequestIdRetention,
  turnMs = 10_000,
): () => void {
  const stops = [
    repeat('forgetting request ids', signal => requestIds.turn(signal), 60_000),
    repeat(
      'removing old rows of the log',
      signal => ifAlone(upkeep, 'retention', connection => retainLog(connection, limits, signal)),
      turnMs,
    ),
    repeat(
      'counting the log',
      signal => ifAlone(upkeep, 'recount', connection => countLog(connection, signal)),
      turnMs,
    ),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
