// Retention: keeps the tables within limits, and writes the checkpoints that the audit uses.
// web/server/replica/replica.ts starts it with the replica. Four loops run in the background: one prunes request ids, one
// audits, one removes old log rows, marks gone servers and shortens the history, one counts the log. The last two run on one
// replica at a time, under a lease, and once in ten seconds for all replicas. The SQL is in web/server/db/retention.ts, audit.ts,
// history.ts and past-servers.ts; database-clock.ts decides whether the database's clock can be trusted.

import type { PoolConnection } from 'mysql2/promise'
import type { Audit } from '../../shared/api.ts'
import {
  auditOf,
  findOldestCheckpoints,
  readAudit,
  recountCheckpoint,
  writeNextCheckpoint,
} from '../db/audit.ts'
import { purgeEvents, rollUpBuckets } from '../db/history.ts'
import { markGoneServers, recountPastHits } from '../db/past-servers.ts'
import type { Pools } from '../db/pools.ts'
import { ifAlone } from '../db/query.ts'
import {
  type LogLimits,
  type Purge,
  purgeLog,
  readRetentionClock,
  writeBelievedTime,
} from '../db/retention.ts'
import { repeat, sleep } from '../lifecycle/periodic-task.ts'
import { log } from '../log.ts'
import { DatabaseClock } from './database-clock.ts'

/** ms between two transactions that mark servers as gone */
const markPauseMs = 20
/** rows of `past_hits` to sum up again in each run: 100,000 servers take eight minutes */
const recountedSums = 2

type UpkeepEvents = {
  /** rows of the log were removed */
  onPurged(rows: number): void
  /** after each run: whether nothing is removed because the database's clock is in doubt, and the time of the oldest row */
  onClock(doubted: boolean, oldestRowAt: Date): void
  /** this replica compared the counter, the log and the servers, which it does every ten minutes at the latest */
  onAudit(audit: Audit): void
}

const noEvents: UpkeepEvents = { onPurged() {}, onClock() {}, onAudit() {} }

/** ms between two audits of this replica, at most: half of it at least. Each takes 11 ms with ten million rows (docs/database.md). */
const auditEveryMs = 10 * 60_000

/** Starts retention, with a run of each loop every `everyMs`. @returns a function that stops it */
export function startUpkeep(
  { read, upkeep }: Pools,
  limits: LogLimits,
  requestIds: RequestIdRetention,
  everyMs = 10_000,
  given: Partial<UpkeepEvents> = {},
  clock = new DatabaseClock(),
): () => void {
  const events = { ...noEvents, ...given }
  const report = new PurgeReport('rows of the log', events.onPurged)
  // All replicas together work once in `everyMs`. A bit less, so that the next look of the same replica finds the rest over.
  const turn = { restMs: 0.9 * everyMs, read }
  let auditDueAt = 0
  const stops = [
    repeat('auditing', auditIfDue, everyMs),
    repeat('pruning request ids', signal => requestIds.run(signal), 60_000),
    repeat('removing old rows of the log', removeOldRows, everyMs),
    repeat('counting the log', countInTurn, everyMs),
  ]
  return () => {
    for (const stop of stops) stop()
  }

  async function auditIfDue(): Promise<void> {
    if (performance.now() < auditDueAt) return
    const audit = auditOf(await readAudit(read))
    // Replicas that started together do not audit together for long.
    auditDueAt = performance.now() + auditEveryMs * (0.5 + Math.random() / 2)
    events.onAudit(audit)
  }

  async function countInTurn(signal: AbortSignal): Promise<void> {
    await ifAlone(upkeep, 'recount', connection => countLog(connection, signal), turn)
  }

  async function removeOldRows(signal: AbortSignal): Promise<void> {
    report.flush()
    // In each run, also while another replica removes: so this replica observes the clock since its start.
    const reading = await readRetentionClock(read)
    const now = clock.judge(reading)
    events.onClock(clock.doubted, reading.oldestRowAt ?? reading.now)
    if (now === null) return
    const work = async (connection: PoolConnection) => {
      await writeBelievedTime(connection, now)
      const marked = async () => (await markGoneServers(connection, now)) > 0
      if (!(await stepByStep(marked, markPauseMs, signal))) return
      await recountPastHits(connection, recountedSums)
      await retainHistory(connection, now, signal)
      await retainLog(connection, limits, now, signal, purge => report.note(purge))
    }
    await ifAlone(upkeep, 'retention', work, turn)
  }
}

/** Calls `step`, with pauses, until it returns that nothing is left. @returns false if `signal` ended it before */
async function stepByStep(
  step: () => Promise<boolean>,
  pauseMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  while (await step()) if (!(await sleep(pauseMs, signal))) return false
  return true
}

/** ms between two transactions on the history */
const historyPauseMs = 20
/** events removed in one statement */
const eventsBatchSize = 500

/** Adds the history's old short buckets to its minutes, and removes old events, until none is left. */
export async function retainHistory(
  connection: PoolConnection,
  now: Date,
  signal: AbortSignal,
): Promise<void> {
  const rolledUp = async () => (await rollUpBuckets(connection, now)) > 0
  const purged = async () => (await purgeEvents(connection, now, eventsBatchSize)) === eventsBatchSize
  if (await stepByStep(rolledUp, historyPauseMs, signal)) await stepByStep(purged, historyPauseMs, signal)
}

/** numbers removed in one transaction: few, so that it hardly delays a commit of hits */
const purgeBatchSize = 500
/** minimum ms between two batches */
const purgePauseMs = 20

/**
 * Removes rows beyond the log's limits at the time `now`, batch by batch, until none is left. Sleeps twice as long as
 * each batch took: so it uses at most a third of one connection's time, and less the busier the database is.
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

/** checkpoints recounted in each run: 100,000 numbers, so ten million rows take 100 runs */
const recountedCheckpoints = 20
/** ms between two checkpoints */
const recountPauseMs = 5

/** Writes new checkpoints and recounts the oldest, so that a lost row is noticed soon, wherever it was in the log. */
export async function countLog(connection: PoolConnection, signal: AbortSignal): Promise<void> {
  if (!(await stepByStep(() => writeNextCheckpoint(connection), recountPauseMs, signal))) return
  for (const last of await findOldestCheckpoints(connection, recountedCheckpoints)) {
    await recountCheckpoint(connection, last)
    if (!(await sleep(recountPauseMs, signal))) return
  }
}

/** ms to keep request ids: longer than any retry. */
const keepMs = 10 * 60_000
const pruneBatchSize = 2000
/** ms between two batches: hits go first */
const prunePauseMs = 50

type Sample = { takenAt: number; lastId: number }

/**
 * Deletes request ids that are old enough by two clocks. The database's clock gives each one's age (`prune`). In addition, this
 * replica records once a minute, by its steady clock, the highest number it has given. So no young request id is deleted if the
 * database's clock jumps, or if numbers go back after a restore.
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

  /** Call it for every number given. */
  noteNumber(id: number): void {
    if (id > this.#lastId) this.#lastId = id
  }

  /** The counter went back: the recorded numbers say nothing about the numbers given from now on. */
  startOver(): void {
    this.#lastId = 0
    this.#samples = []
  }

  /** Records the highest number, and prunes by the old records. @throws what `prune` throws; the next run tries again */
  async run(signal: AbortSignal): Promise<void> {
    const now = this.#now()
    this.#samples.push({ takenAt: now, lastId: this.#lastId })
    const old = this.#samples.findLast(sample => now - sample.takenAt >= keepMs)
    if (!old) return
    const pruned = async () => (await this.#prune(old.lastId, pruneBatchSize)) === pruneBatchSize
    if (!(await stepByStep(pruned, prunePauseMs, signal))) return
    this.#samples = this.#samples.filter(sample => sample.takenAt > old.takenAt)
  }
}

/** ms between two lines in the log */
const reportEveryMs = 60_000

/** Rows that retention removed, up to a number and, if known, a time. */
type Removed = { rows: number; through: number; throughAt?: string }

/** Counts what retention removed, and logs it at most once a minute. */
export class PurgeReport {
  readonly #what: string
  readonly #count: (rows: number) => void
  readonly #write: (text: string) => void
  readonly #now: () => number
  #unlogged: Removed | null = null
  #loggedAt = Number.NEGATIVE_INFINITY

  /** `what`: a plural, e.g. "rows of the log" */
  constructor(
    what: string,
    count: (rows: number) => void,
    write: (text: string) => void = log.info,
    now = () => performance.now(),
  ) {
    this.#what = what
    this.#count = count
    this.#write = write
    this.#now = now
  }

  note(removed: Removed): void {
    this.#count(removed.rows)
    this.#unlogged = { ...removed, rows: (this.#unlogged?.rows ?? 0) + removed.rows }
    this.flush()
  }

  /** Logs what is due. Call it after each run, so that nothing stays unlogged for long. */
  flush(): void {
    if (this.#unlogged === null || this.#now() - this.#loggedAt < reportEveryMs) return
    const { rows, through, throughAt } = this.#unlogged
    const time = throughAt === undefined ? '' : `, of ${throughAt}`
    this.#write(`retention removed ${rows} ${this.#what}, up to number ${through}${time}`)
    this.#unlogged = null
    this.#loggedAt = this.#now()
  }
}
