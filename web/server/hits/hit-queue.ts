import { setTimeout as pause } from 'node:timers/promises'
import { commitOnce, PendingHit } from './commit-once.ts'
import { type CommitFailed, type Count, type Hit, type HitStore, overloaded, shuttingDown } from './hit.ts'

type HitQueueLimits = {
  /** hits that may wait for a batch to leave; one more is refused */
  capacity: number
  /** hits in one transaction at the most */
  batchSize: number
  /** how long a hit waits for its number, in ms: more than a lock wait, less than NGINX waits for the page */
  budgetMs: number
  /** the same while the queue is suspended: it then has only those that other servers have passed on before */
  lastBudgetMs: number
  /** ms that a hit must have left for an attempt: one that ends after its time would leave it in doubt */
  leastMs: number
}

export const defaultLimits: HitQueueLimits = {
  capacity: 2000,
  batchSize: 500,
  budgetMs: 1500,
  lastBudgetMs: 1000,
  leastMs: 100,
}

/** ms between two looks whether batches may leave again */
const suspendedTurnMs = 20

/** ms after which a batch that is still under way is slow: many times what a commit takes */
const slowMs = 400

/** ms that the length of a commit counts for in what the next hits have to expect */
const commitsCountForMs = 5000

/** What others want to know of it as it happens. */
type HitQueueEvents = {
  /** a batch leaves, with that many hits */
  onBatch(size: number): void
  /** hits were given numbers, up to `lastId` */
  onCounted(lastId: number): void
  /** an attempt to commit a batch failed; there may be others */
  onFailure(failure: CommitFailed): void
  /** a batch has been under way for long */
  onSlow(): void
  /** page views ran out of time after that failure */
  onUncounted(failure: CommitFailed): void
}

/** What the queue has to know of a page view beside its hit. */
type PageViewTerms = {
  /** when it came, in ms on the clock of `performance.now()`: its time runs from there */
  startedAt: number
  /** whether its client has gone, asked before each attempt to commit it and when its time is up */
  isGone(): boolean
  /** whether another server is asked when this one passes it on */
  canBePassedOn: boolean
}

/**
 * Where a page view gets its number. One batch is being committed at a time, without a timer: the first hit leaves at
 * once, and what comes in meanwhile is the next batch, so load makes the batches larger.
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
   * ms that a hit submitted now would wait for others' batches: as many as are before the next one, each as long as lately.
   * What fits into the next one waits for nobody, since refusing it would make no batch shorter.
   */
  get expectedWaitMs(): number {
    const batchesBefore = Math.floor(this.#waiting.length / this.#limits.batchSize)
    return batchesBefore === 0 ? 0 : batchesBefore * this.#commitMs.value
  }

  /** @throws NotCounted (queue full, closed, or no database in time), OutcomeUnknown, ClientGone or PassedOn */
  submit(hit: Hit, terms: Partial<PageViewTerms> = {}): Promise<Count> {
    const { startedAt = performance.now(), isGone = () => false, canBePassedOn = false } = terms
    const budgetMs = this.#suspended ? this.#limits.lastBudgetMs : this.#limits.budgetMs
    const pending = new PendingHit(hit, startedAt + budgetMs, isGone, canBePassedOn)
    this.#passOn(pending)
    if (pending.settled) return pending.count
    if (this.#closed) pending.fail(shuttingDown())
    else if (this.#waiting.length >= this.#limits.capacity) pending.fail(overloaded())
    else if (pending.deadline <= performance.now()) pending.fail()
    else {
      this.#waiting.push(pending)
      this.#running ??= this.#run()
    }
    return pending.count
  }

  /**
   * No batch leaves any more, until `suspend(null)`. Page views that another server can be asked for are passed on, those it
   * has and those that come; the others wait as long as they have time, or are told at once while the database refuses.
   */
  suspend(suspended: 'away' | 'refused' | null): void {
    this.#suspended = suspended
    for (const pending of [...this.#leaving, ...this.#waiting]) this.#passOn(pending)
  }

  #passOn(pending: PendingHit): void {
    if (this.#suspended) pending.passOn()
    if (this.#suspended === 'refused' && !pending.mayBeCommitted) pending.fail()
  }

  /** Takes no more hits, and resolves when those it has are settled. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    // A turn of the event loop: hits that arrived together leave together.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      if (this.#suspended) {
        await pause(suspendedTurnMs)
        this.#waiting = this.#waiting.filter(pending => !pending.settled)
        continue
      }
      const next = this.#waiting.splice(0, this.#limits.batchSize)
      for (const pending of next) pending.dropIfLate(this.#limits.leastMs)
      const batch = next.filter(pending => !pending.settled)
      if (batch.length === 0) continue
      this.#events.onBatch?.(batch.length)
      this.#leaving = batch
      await this.#commit(batch)
      this.#leaving = []
    }
    this.#running = null
  }

  async #commit(batch: PendingHit[]): Promise<void> {
    const startedAt = performance.now()
    const slow = setTimeout(() => this.#events.onSlow?.(), slowMs)
    let failure: CommitFailed | null = null
    const onFailure = (latest: CommitFailed) => {
      failure = latest
      this.#events.onFailure?.(latest)
    }
    try {
      const lastId = await commitOnce(batch, this.#store, this.#limits.leastMs, onFailure)
      if (failure && batch.some(({ ranOut }) => ranOut)) this.#events.onUncounted?.(failure)
      if (lastId > 0) this.#commitMs.add(performance.now() - startedAt)
      if (lastId > 0) this.#events.onCounted?.(lastId)
    } catch (error) {
      for (const pending of batch) pending.fail()
      console.error('a batch of hits failed in a way that was not foreseen:', error)
    } finally {
      clearTimeout(slow)
    }
  }
}

/** Samples kept at the most: enough that a single outlier is not the middle. */
const mostSamples = 15
/** Samples without which nothing is said. */
const leastSamples = 3

type Sample = { at: number; value: number }

/** The middle of what was lately measured, so that one bad moment does not count. Times are ms, by the given clock. */
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
    if (this.#samples.length > mostSamples) this.#samples.shift()
  }

  /** 0 while too little was measured lately */
  get value(): number {
    const since = this.#now() - this.#keepMs
    const recent = this.#samples.filter(({ at }) => at > since).map(({ value }) => value)
    if (recent.length < leastSamples) return 0
    return recent.sort((a, b) => a - b)[Math.floor(recent.length / 2)] ?? 0
  }
}
