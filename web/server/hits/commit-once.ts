import { setTimeout as pause } from 'node:timers/promises'
import {
  ClientGone,
  CommitFailed,
  type Count,
  counterUnavailable,
  type Hit,
  type HitStore,
  type NotCounted,
  OutcomeUnknown,
  PassedOn,
} from './hit.ts'

/** Pauses between attempts, in ms; the last one repeats until the hits' time is up. */
const backoff = [5, 20, 50, 100, 200] as const

/**
 * Gives every hit of a batch its number, exactly once whatever happens on the way: after a failed attempt it looks up
 * which request ids are in the log before it writes again. Ends when all are settled; each hit's own deadline bounds it.
 * `leastMs`: what a hit must have left for an attempt. `onFailure` hears of each that failed.
 * @returns the highest number that this replica's own commit gave; 0 = none
 * @throws what the store throws beyond CommitFailed, which is a defect
 */
export async function commitOnce(
  batch: PendingHit[],
  store: HitStore,
  leastMs: number,
  onFailure: (failure: CommitFailed) => void,
): Promise<number> {
  let outcomeUnknown = false
  for (let attempt = 0; ; attempt++) {
    try {
      if (attempt > 0) await settleKnown(batch, store)
      for (const pending of batch) pending.dropIfLate(leastMs)
      const open = batch.filter(pending => !pending.settled)
      if (open.length === 0) return 0
      for (const pending of open) pending.mayBeCommitted = true
      return await commitAll(open, store)
    } catch (error) {
      if (!(error instanceof CommitFailed)) throw error
      onFailure(error)
      outcomeUnknown ||= error.outcome === 'unknown'
      if (!outcomeUnknown) for (const pending of batch) pending.mayBeCommitted = false
    }
    await pause(backoff[Math.min(attempt, backoff.length - 1)])
  }
}

/** Answers the hits that an earlier attempt, here or on another replica, has brought into the log. */
async function settleKnown(batch: PendingHit[], store: HitStore): Promise<void> {
  const open = batch.filter(pending => !pending.settled)
  if (open.length === 0) return
  const requestIds = new Set(open.map(pending => pending.hit.requestId))
  tell(open, await store.find([...requestIds], timeLeft(open)))
}

/** Commits each request id once: a request that came twice gets one number, told to both. */
async function commitAll(open: PendingHit[], store: HitStore): Promise<number> {
  const byRequest = new Map(open.map(pending => [pending.hit.requestId, pending.hit]))
  const hits = [...byRequest.values()]
  const counts = await store.commit(hits, timeLeft(open))
  tell(open, new Map(counts.map((count, index) => [hits[index]?.requestId ?? '', count])))
  return counts.at(-1)?.id ?? 0
}

function tell(hits: PendingHit[], counts: Map<string, Count>): void {
  for (const pending of hits) {
    const count = counts.get(pending.hit.requestId)
    if (count) pending.resolve(count)
  }
}

/** Until the last of them gives up, in ms, 1 at least. */
function timeLeft(hits: PendingHit[]): number {
  const last = Math.max(...hits.map(pending => pending.deadline))
  return Math.max(1, Math.ceil(last - performance.now()))
}

/** A hit that waits for its number, until it has one, fails, or its time is up. It is settled exactly once. */
export class PendingHit {
  readonly hit: Hit
  readonly count: Promise<Count>
  /** ms, on the clock of `performance.now()` */
  readonly deadline: number
  /** an attempt with it has begun, and is not known to have been rolled back */
  mayBeCommitted = false
  /** its time was up before it had a number */
  ranOut = false
  #settled = false
  #resolve: (count: Count) => void
  #reject: (reason: Error) => void
  #timer: NodeJS.Timeout
  #isGone: () => boolean
  #canBePassedOn: boolean

  constructor(hit: Hit, deadline: number, isGone: () => boolean, canBePassedOn: boolean) {
    this.hit = hit
    this.deadline = deadline
    this.#isGone = isGone
    this.#canBePassedOn = canBePassedOn
    const { promise, resolve, reject } = Promise.withResolvers<Count>()
    this.count = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = setTimeout(() => this.#endTime(), Math.max(1, deadline - performance.now()))
  }

  get settled(): boolean {
    return this.#settled
  }

  resolve(count: Count): void {
    if (this.#settle()) this.#resolve(count)
  }

  /** Ends it without a number, saying what is known: certainly not counted, or unknown. */
  fail(reason?: NotCounted): void {
    if (!this.#settle()) return
    this.#reject(this.mayBeCommitted ? new OutcomeUnknown() : (reason ?? counterUnavailable()))
  }

  /** Ends it if it has less than `leastMs` left, or if its client has gone and its batch has not left. */
  dropIfLate(leastMs: number): void {
    if (this.deadline - performance.now() < leastMs) this.#endTime()
    else this.#dropIfGone()
  }

  /** Leaves it to another server, if one can be asked: the request id stays the same, so it counts once wherever it counts. */
  passOn(): void {
    if (this.#canBePassedOn && this.#settle()) this.#reject(new PassedOn(this.mayBeCommitted))
  }

  /** Once its batch has left, the commit takes its course. */
  #dropIfGone(): void {
    if (!this.mayBeCommitted && this.#isGone() && this.#settle()) this.#reject(new ClientGone())
  }

  /** A client that has gone is no failure. */
  #endTime(): void {
    this.#dropIfGone()
    this.ranOut ||= !this.#settled
    this.fail()
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    clearTimeout(this.#timer)
    return true
  }
}
