import { ifAlone } from '../db/named-lock.ts'
import { markGoneServers, recountPastHits } from '../db/past-servers.ts'
import type { Pools } from '../db/pools.ts'
import type { LogLimits } from '../db/purge-log.ts'
import { readRetentionClock, writeBelievedTime } from '../db/retention-clock.ts'
import { repeat } from '../lifecycle/repeat.ts'
import { rest } from '../lifecycle/rest.ts'
import { countLog } from './count-log.ts'
import { DatabaseClock } from './database-clock.ts'
import { PurgeReport } from './purge-report.ts'
import type { RequestIdRetention } from './request-id-retention.ts'
import { retainLog } from './retain-log.ts'

/** ms between two transactions that mark servers as gone */
const breath = 20
/** stretches of past servers whose hits a turn adds up again: 100,000 servers are gone through in eight minutes */
const recountedStretches = 2

/** What is to be known of it. */
export type UpkeepEvents = {
  /** rows of the log were removed */
  onPurged(rows: number): void
  /** whether nothing is removed since the database's clock is in doubt; after each turn */
  onClock(doubted: boolean): void
}

const noEvents: UpkeepEvents = { onPurged() {}, onClock() {} }

/** Keeps the tables within bounds, and what the audit counts from, for as long as the replica runs. @returns how to stop */
export function startUpkeep(
  { read, upkeep }: Pools,
  limits: LogLimits,
  requestIds: RequestIdRetention,
  turnMs = 10_000,
  events = noEvents,
  clock = new DatabaseClock(),
): () => void {
  const report = new PurgeReport('rows of the log', events.onPurged)
  const stops = [
    repeat('forgetting request ids', signal => requestIds.turn(signal), 60_000),
    repeat('removing old rows of the log', removeOldRows, turnMs),
    repeat(
      'counting the log',
      signal => ifAlone(upkeep, 'recount', connection => countLog(connection, signal)),
      turnMs,
    ),
  ]
  return () => {
    for (const stop of stops) stop()
  }

  async function removeOldRows(signal: AbortSignal): Promise<void> {
    report.flush()
    // In each turn, also where another replica removes: so this one knows how the clock went since its own start.
    const now = clock.judge(await readRetentionClock(read))
    events.onClock(clock.doubted)
    if (now === null) return
    await ifAlone(upkeep, 'retention', async connection => {
      await writeBelievedTime(connection, now)
      while ((await markGoneServers(connection, now)) > 0) if (!(await rest(breath, signal))) return
      await recountPastHits(connection, recountedStretches)
      await retainLog(connection, limits, now, signal, purge => report.note(purge))
    })
  }
}
