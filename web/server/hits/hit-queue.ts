// The queue of page views that wait for their numbers. endpoints/page.ts admits each (admission.ts) and submits its hit here;
// commit-once.ts commits a batch exactly once, with retries, through a HitStore (db/hit-store.ts). hit.ts has the types
// and the errors. lifecycle/commit-health.ts suspends the queue while the database is unavailable.

import { setTimeout as pause } from 'node:timers/promises'
import { hitBudgetMs } from '../../shared/limits.ts'
import { log } from '../log.ts'
import { type CommitEvents, commitOnce, PendingHit } from './commit-once.ts'
import {
  type BatchRecord,
  type CommitFailed,
  type Count,
  type Hit,
  type HitStore,
  type HitTimes,
  overloaded,
  shuttingDown,
} from './hit.ts'

type HitQueueLimits = {
  /** hits that may wait for their batch to leave. One more is refused. */
  capacity: number
  /** maximum hits in one transaction */
  batchSize: number
  /** ms that a hit waits for its number */
  budgetMs: number
  /** the same while the queue is suspended: it then has only hits that other servers have passed on already */
  suspendedBudgetMs: number
  /** ms that a hit must have left for an attempt: if the attempt ended after its deadline, its outcome would be unknown */
  minMs: number
}

export const defaultLimits: HitQueueLimits = {
  capacity: 2000,
  batchSize: 500,
  budgetMs: hitBudgetMs,
  suspendedBudgetMs: 1000,
  minMs: 100,
}

/** ms between two checks whether batches may leave again */
const suspendedPollMs = 20

/** ms after which a running batch is slow: many times what a commit takes */
const slowMs = 400

/** How long the next batch waits after a commit: for a share of the commit's duration, and at most for some ms */
export const gathering = { share: 0.5, maxMs: 10 } as const

/** ms for which the duration of a commit counts for the expected wait */
const commitsCountForMs = 5000

type HitQueueEvents = CommitEvents & {
  /** a batch leaves, with that many hits */
  onBatch(size: number): void
  /** hits got numbers, up to `lastId` */
  onCounted(lastId: number): void
  /** a batch has been running for too long */
  onSlow(): void
  /** page views timed out after that failure */
  onUncounted(failure: CommitFailed): void
}

/** What the queue must know about a page view besides its hit. */
type PageViewTerms = {
  /** when it came, in ms on the clock of `performance.now()`: the start of its time budget */
  startedAt: number
  /** checked before each attempt to commit it, and when its time is up */
  isDisconnected(): boolean
  /** whether NGINX tries another server if this one passes it on */
  canBePassedOn: boolean
  /** the queue sets them */
  times: HitTimes
}

/**
 * Commits one batch at a time: the first hit leaves immediately, and hits that come meanwhile form the next batch. So load makes
 * the batches larger. Visitors who got their number often come back soon: without a wait (`#gather`) the next batch leaves before
 * they do, and two groups of visitors take turns, each in batches half as large.
 */
export class HitQueue {
  readonly #store: HitStore
  readonly #limits: HitQueueLimits
  readonly #events: Partial<HitQueueEvents>
  readonly #commitMs = new RecentMedian(commitsCountForMs)
  #waiting: PendingHit[] = []
  #leaving: PendingHit[] = []
  #suspended: 'away' | 'refused' | null = null
  #running: Promise<void> | null = null
  #closed = false
  /** until when (ms, `performance.now()`) the next batch waits for how many hits */
  #gathering = { until: 0, hits: 0 }
  #onGathered: (() => void) | null = null

  constructor(store: HitStore, limits = defaultLimits, events: Partial<HitQueueEvents> = {}) {
    this.#store = store
    this.#limits = limits
    this.#events = events
  }

  /** hits that wait for a batch to leave */
  get length(): number {
    return this.#waiting.length
  }

  /**
   * ms that a hit submitted now would wait for earlier batches, at the recent duration of a commit. A hit that fits
   * into the next batch has no wait: refusing it would not make that batch shorter.
   */
  get expectedWaitMs(): number {
    const batchesBefore = Math.floor(this.#waiting.length / this.#limits.batchSize)
    return batchesBefore === 0 ? 0 : batchesBefore * this.#commitMs.value
  }

  /** @throws NotCounted (queue full, closed, or no database in time), OutcomeUnknown, ClientDisconnected or PassedOn */
  submit(hit: Hit, terms: Partial<PageViewTerms> = {}): Promise<Count> {
    const {
      startedAt = performance.now(),
      isDisconnected = () => false,
      canBePassedOn = false,
      times = { leftAt: 0, countedAt: 0, batch: null },
    } = terms
    const budgetMs = this.#suspended ? this.#limits.suspendedBudgetMs : this.#limits.budgetMs
    const pending = new PendingHit(hit, startedAt + budgetMs, isDisconnected, canBePassedOn, times)
    this.#passOn(pending)
    if (pending.settled) return pending.count
    if (this.#closed) pending.fail(shuttingDown())
    else if (this.#waiting.length >= this.#limits.capacity) pending.fail(overloaded())
    else if (pending.deadline <= performance.now()) pending.fail()
    else {
      this.#waiting.push(pending)
      this.#running ??= this.#run()
      if (this.#waiting.length >= this.#gathering.hits) this.#onGathered?.()
    }
    return pending.count
  }

  /**
   * Stops batches from leaving, until `suspend(null)`. Passes page views on to other servers where possible, those in the queue
   * and new ones. The others wait until their time is up, or fail immediately while the database refuses commits.
   */
  suspend(suspended: 'away' | 'refused' | null): void {
    this.#suspended = suspended
    for (const pending of [...this.#leaving, ...this.#waiting]) this.#passOn(pending)
  }

  #passOn(pending: PendingHit): void {
    if (this.#suspended) pending.passOn()
    if (this.#suspended === 'refused' && !pending.mayBeCommitted) pending.fail()
  }

  /** Accepts no more hits. Resolves when all its hits are settled. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    // Wait one turn of the event loop, so that hits that arrived together leave together.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      await this.#gather()
      if (this.#suspended) {
        await pause(suspendedPollMs)
        this.#waiting = this.#waiting.filter(pending => !pending.settled)
        continue
      }
      const next = this.#waiting.splice(0, this.#limits.batchSize)
      for (const pending of next) pending.dropIfLate(this.#limits.minMs)
      const batch = next.filter(pending => !pending.settled)
      if (batch.length === 0) continue
      const leftAt = performance.now()
      const record: BatchRecord = { hits: batch.length, attempts: [] }
      for (const { times } of batch) {
        times.leftAt = leftAt
        times.batch = record
      }
      this.#events.onBatch?.(batch.length)
      this.#leaving = batch
      await this.#commit(batch, record)
      this.#leaving = []
    }
    this.#running = null
  }

  /** Waits until there are as many hits as in the last batch and in the queue behind it, or for a part of the time that it took. */
  async #gather(): Promise<void> {
    const ms = this.#gathering.until - performance.now()
    if (ms <= 0 || this.#waiting.length >= this.#gathering.hits) return
    if (this.#waiting.every(({ settled }) => settled)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#onGathered = resolve
    await promise
    clearTimeout(timer)
    this.#onGathered = null
  }

  async #commit(batch: PendingHit[], { attempts }: BatchRecord): Promise<void> {
    const startedAt = performance.now()
    const slow = setTimeout(() => this.#events.onSlow?.(), slowMs)
    let failure: CommitFailed | null = null
    const events = {
      ...this.#events,
      onFailure: (latest: CommitFailed, ms: number) => {
        failure = latest
        attempts.push({ endedAt: performance.now(), ms, failure: latest.code })
        this.#events.onFailure?.(latest, ms)
      },
      onCommit: (ms: number) => {
        const endedAt = performance.now()
        attempts.push({ endedAt, ms, failure: null })
        this.#gathering = {
          until: endedAt + Math.min(gathering.maxMs, ms * gathering.share),
          hits: Math.min(this.#limits.batchSize, batch.length + this.#waiting.length),
        }
        this.#events.onCommit?.(ms)
      },
    }
    try {
      const lastId = await commitOnce(batch, this.#store, this.#limits.minMs, events)
      if (failure && batch.some(({ timedOut }) => timedOut)) this.#events.onUncounted?.(failure)
      if (lastId > 0) this.#commitMs.add(performance.now() - startedAt)
      if (lastId > 0) this.#events.onCounted?.(lastId)
    } catch (error) {
      for (const pending of batch) pending.fail()
      log.error('a batch of hits failed unexpectedly', { err: error })
    } finally {
      clearTimeout(slow)
    }
  }
}

/** Maximum samples to keep: enough that a single outlier is not the median. */
const maxSamples = 15
/** Minimum samples for a median. */
const minSamples = 3

type Sample = { at: number; value: number }

/** The median of recent values, so that one outlier does not count. Times are ms, by the given clock. */
export class RecentMedian {
  readonly #keepMs: number
  readonly #now: () => number
  #samples: Sample[] = []

  constructor(keepMs: number, now: () => number = () => performance.now()) {
    this.#keepMs = keepMs
    this.#now = now
  }

  add(value: number): void {
    this.#samples.push({ at: this.#now(), value })
    if (this.#samples.length > maxSamples) this.#samples.shift()
  }

  /** 0 while there are too few recent values */
  get value(): number {
    const since = this.#now() - this.#keepMs
    const recent = this.#samples.filter(({ at }) => at > since).map(({ value }) => value)
    if (recent.length < minSamples) return 0
    return recent.sort((a, b) => a - b)[Math.floor(recent.length / 2)] ?? 0
  }
}
