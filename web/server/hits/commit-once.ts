import { setTimeout as pause } from 'node:timers/promises'
import {
  ClientDisconnected,
  CommitFailed,
  type Count,
  counterUnavailable,
  type Hit,
  type HitStore,
  type HitTimes,
  type NotCounted,
  OutcomeUnknown,
  PassedOn,
} from './hit.ts'

/** ms between attempts. The last pause repeats until the hits' time is up. */
export const backoff = [5, 20, 50, 100, 200] as const

export type CommitEvents = {
  /** an attempt to commit a batch failed after that many ms; more may follow */
  onFailure(failure: CommitFailed, ms: number): void
  /** another attempt begins after a failed one */
  onRetry(): void
  /** a transaction gave numbers after that many ms */
  onCommit(ms: number): void
  /** that many page views had their numbers from an earlier attempt, here or on another replica, or from their double */
  onDuplicates(hits: number): void
}

/**
 * Gives every hit of a batch its number, exactly once whatever fails: before it writes again, it looks up which request ids are
 * in the log already. Returns when all hits are settled; each hit's deadline limits that.
 * `minMs`: time that a hit must have left for an attempt.
 * @returns the highest number that this replica's commit gave; 0 if none
 * @throws what the store throws other than CommitFailed: a bug
 */
export async function commitOnce(
  batch: PendingHit[],
  store: HitStore,
  minMs: number,
  events: Partial<CommitEvents> = {},
): Promise<number> {
  let outcomeUnknown = false
  for (let attempt = 0; ; attempt++) {
    const startedAt = performance.now()
    try {
      if (attempt > 0) events.onRetry?.()
      if (attempt > 0) await settleKnown(batch, store, events)
      for (const pending of batch) pending.dropIfLate(minMs)
      const open = batch.filter(pending => !pending.settled)
      if (open.length === 0) return 0
      for (const pending of open) pending.mayBeCommitted = true
      return await commitAll(open, store, events)
    } catch (error) {
      if (!(error instanceof CommitFailed)) throw error
      events.onFailure?.(error, performance.now() - startedAt)
      outcomeUnknown ||= error.outcome === 'unknown'
      if (!outcomeUnknown) for (const pending of batch) pending.mayBeCommitted = false
    }
    await pause(backoff[Math.min(attempt, backoff.length - 1)])
  }
}

/** Settles the hits that an earlier attempt, here or on another replica, has committed. */
async function settleKnown(
  batch: PendingHit[],
  store: HitStore,
  events: Partial<CommitEvents>,
): Promise<void> {
  const open = batch.filter(pending => !pending.settled)
  if (open.length === 0) return
  const requestIds = new Set(open.map(pending => pending.hit.requestId))
  settle(open, await store.find([...requestIds], msUntil(Math.max(...deadlinesOf(open)))))
  const known = open.filter(pending => pending.settled).length
  if (known > 0) events.onDuplicates?.(known)
}

/** Commits each request id once. A request that came twice gets one number for both. */
async function commitAll(
  open: PendingHit[],
  store: HitStore,
  events: Partial<CommitEvents>,
): Promise<number> {
  const byRequest = new Map(open.map(pending => [pending.hit.requestId, pending.hit]))
  const hits = [...byRequest.values()]
  const startedAt = performance.now()
  const deadlines = deadlinesOf(open)
  const counts = await store.commit(hits, msUntil(Math.max(...deadlines)), msUntil(Math.min(...deadlines)))
  events.onCommit?.(performance.now() - startedAt)
  if (hits.length < open.length) events.onDuplicates?.(open.length - hits.length)
  settle(open, new Map(counts.map((count, index) => [hits[index]?.requestId ?? '', count])))
  return counts.at(-1)?.id ?? 0
}

function settle(hits: PendingHit[], counts: Map<string, Count>): void {
  for (const pending of hits) {
    const count = counts.get(pending.hit.requestId)
    if (count) pending.resolve(count)
  }
}

const deadlinesOf = (hits: PendingHit[]) => hits.map(pending => pending.deadline)

/** ms, at least 1 */
function msUntil(deadline: number): number {
  return Math.max(1, Math.ceil(deadline - performance.now()))
}

/** A hit that waits for its number, until it has one, fails or times out. It is settled exactly once. */
export class PendingHit {
  readonly hit: Hit
  readonly count: Promise<Count>
  readonly times: HitTimes
  /** ms, on the clock of `performance.now()` */
  readonly deadline: number
  /** an attempt with it has started and is not known to be rolled back */
  mayBeCommitted = false
  /** its deadline passed before it had a number */
  timedOut = false
  #settled = false
  #resolve: (count: Count) => void
  #reject: (reason: Error) => void
  #timer: NodeJS.Timeout
  #isDisconnected: () => boolean
  #canBePassedOn: boolean

  constructor(
    hit: Hit,
    deadline: number,
    isDisconnected: () => boolean,
    canBePassedOn: boolean,
    times: HitTimes,
  ) {
    this.hit = hit
    this.times = times
    this.deadline = deadline
    this.#isDisconnected = isDisconnected
    this.#canBePassedOn = canBePassedOn
    const { promise, resolve, reject } = Promise.withResolvers<Count>()
    this.count = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = setTimeout(() => this.#timeOut(), Math.max(1, deadline - performance.now()))
  }

  get settled(): boolean {
    return this.#settled
  }

  resolve(count: Count): void {
    if (!this.#settle()) return
    this.times.countedAt = performance.now()
    this.#resolve(count)
  }

  /** Settles it without a number, and says what is known: certainly not counted, or unknown. */
  fail(reason?: NotCounted): void {
    if (!this.#settle()) return
    this.#reject(this.mayBeCommitted ? new OutcomeUnknown() : (reason ?? counterUnavailable()))
  }

  /** Settles it if it has less than `minMs` left, or if its client has disconnected and its batch has not left. */
  dropIfLate(minMs: number): void {
    if (this.deadline - performance.now() < minMs) this.#timeOut()
    else this.#dropIfDisconnected()
  }

  /**
   * Passes it to another server, if possible. The request id stays the same, so it is counted once whichever server
   * counts it.
   */
  passOn(): void {
    if (this.#canBePassedOn && this.#settle()) this.#reject(new PassedOn(this.mayBeCommitted))
  }

  /** Once its batch has left, the commit goes on. */
  #dropIfDisconnected(): void {
    if (!this.mayBeCommitted && this.#isDisconnected() && this.#settle())
      this.#reject(new ClientDisconnected())
  }

  /** Client already disconnected: drop silently, do not count a failure. */
  #timeOut(): void {
    this.#dropIfDisconnected()
    this.timedOut ||= !this.#settled
    this.fail()
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    clearTimeout(this.#timer)
    return true
  }
}
