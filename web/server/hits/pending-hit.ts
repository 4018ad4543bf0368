import { ClientGone, counterUnavailable, type NotCounted, OutcomeUnknown, PassedOn } from './errors.ts'
import type { Count, Hit } from './hit.ts'

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
