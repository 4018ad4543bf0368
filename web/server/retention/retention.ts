import type { PoolConnection } from 'mysql2/promise'
import { countNextStretch, findOldestCounts, recountStretch } from '../db/audit.ts'
import type { Pools } from '../db/pools.ts'
import { ifAlone } from '../db/query.ts'
import {
  type LogLimits,
  type Purge,
  purgeLog,
  readRetentionClock,
  writeBelievedTime,
} from '../db/retention.ts'
import { markGoneServers, recountPastHits } from '../db/server-row.ts'
import { repeat, sleep } from '../lifecycle/periodic-task.ts'
import { DatabaseClock } from './database-clock.ts'

/** ms between two transactions that mark servers as gone */
const markPauseMs = 20
/** stretches of past servers whose hits a turn adds up again: 100,000 servers are gone through in eight minutes */
const recountedStretches = 2

/** What is to be known of it. */
type UpkeepEvents = {
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
      while ((await markGoneServers(connection, now)) > 0) if (!(await sleep(markPauseMs, signal))) return
      await recountPastHits(connection, recountedStretches)
      await retainLog(connection, limits, now, signal, purge => report.note(purge))
    })
  }
}

/** numbers a transaction removes: few, so that a commit of hits hardly waits for it */
const purgeBatchSize = 500
/** ms between two batches, at least */
const purgePauseMs = 20

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
    const purge = await purgeLog(connection, limits, purgeBatchSize, now)
    if (purge === null) return
    onPurged(purge)
    if (!(await sleep(Math.max(purgePauseMs, 2 * (performance.now() - startedAt)), signal))) return
  }
}

/** stretches a turn counts again: 100,000 numbers, so ten million rows are gone through in 100 turns */
const recounted = 20
/** ms between two stretches */
const recountPauseMs = 5

/**
 * Counts the stretches that are new, and again those that were counted longest ago: so a row that is lost, wherever it
 * stood, is missed before long.
 */
export async function countLog(connection: PoolConnection, signal: AbortSignal): Promise<void> {
  while (await countNextStretch(connection)) if (!(await sleep(recountPauseMs, signal))) return
  for (const last of await findOldestCounts(connection, recounted)) {
    await recountStretch(connection, last)
    if (!(await sleep(recountPauseMs, signal))) return
  }
}

/** Request ids are kept for ten minutes, longer than any retry. */
const keepMs = 10 * 60_000
const pruneBatchSize = 2000
/** between two batches, in ms: hits go first */
const prunePauseMs = 50

type Sample = { takenAt: number; lastId: number }

/**
 * Forgets request ids that are old enough, by two clocks. The database's says how old each one is (`prune`), and this
 * replica remembers the highest number it had given at each minute, by its own steady clock. So a database's clock that
 * jumps removes nothing that is young, and numbers that go back, after a restore, do not either.
 */
export class RequestIdRetention {
  readonly #prune: (lastId: number, limit: number) => Promise<number>
  readonly #now: () => number
  #lastId = 0
  #samples: Sample[] = []

  constructor(prune: (lastId: number, limit: number) => Promise<number>, now = () => performance.now()) {
    this.#prune = prune
    this.#now = now
  }

  /** Called for every number given. */
  noteNumber(id: number): void {
    if (id > this.#lastId) this.#lastId = id
  }

  /** The counter went back: what was noted of higher numbers says nothing about those that are given from now on. */
  startOver(): void {
    this.#lastId = 0
    this.#samples = []
  }

  /** Takes a sample, and prunes what the old ones allow. @throws what `prune` throws; the next turn tries again */
  async turn(signal: AbortSignal): Promise<void> {
    const now = this.#now()
    this.#samples.push({ takenAt: now, lastId: this.#lastId })
    const old = this.#samples.findLast(sample => now - sample.takenAt >= keepMs)
    if (!old) return
    while ((await this.#prune(old.lastId, pruneBatchSize)) === pruneBatchSize) {
      if (!(await sleep(prunePauseMs, signal))) return
    }
    this.#samples = this.#samples.filter(sample => sample.takenAt > old.takenAt)
  }
}

/** ms between two lines in the log */
const reportEveryMs = 60_000

/** What retention removed: rows, up to a number and, where it is known, of a time. */
type Removed = { rows: number; through: number; throughAt?: string }

/** Says what retention removed, in one line a minute at most, and counts it. */
export class PurgeReport {
  readonly #what: string
  readonly #count: (rows: number) => void
  readonly #say: (text: string) => void
  readonly #now: () => number
  #unsaid: Removed | null = null
  #saidAt = Number.NEGATIVE_INFINITY

  /** `what` is in the plural: "rows of the log" */
  constructor(
    what: string,
    count: (rows: number) => void,
    say: (text: string) => void = console.log,
    now = () => performance.now(),
  ) {
    this.#what = what
    this.#count = count
    this.#say = say
    this.#now = now
  }

  note(removed: Removed): void {
    this.#count(removed.rows)
    this.#unsaid = { ...removed, rows: (this.#unsaid?.rows ?? 0) + removed.rows }
    this.flush()
  }

  /** Says what is due. To be called after each turn: then nothing stays unsaid for long. */
  flush(): void {
    if (this.#unsaid === null || this.#now() - this.#saidAt < reportEveryMs) return
    const { rows, through, throughAt } = this.#unsaid
    const time = throughAt === undefined ? '' : `, of ${throughAt}`
    this.#say(`retention removed ${rows} ${this.#what}, up to number ${through}${time}`)
    this.#unsaid = null
    this.#saidAt = this.#now()
  }
}
