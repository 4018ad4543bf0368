// The lifecycle of a replica: whether it can serve and count (this module), its row and heartbeat in the database and
// its end when control wants it (own-row.ts), control of the servers (control.ts) and periodic work (periodic-task.ts).
// web/server/replica/services.ts connects them; they use the queries in web/server/db.

import { CommitFailed } from '../hits/hit.ts'
import { log } from '../log.ts'

/** ms without a transaction after which the database counts as away. */
const databaseAwayMs = 5000

/** Why a replica is not ready, as a code and a sentence. */
type Unready = { code: string; message: string }

/**
 * Whether this replica can serve, and which visitors: its first page is rendered, it can count, the database took a transaction
 * recently, and it neither drains nor leaves.
 */
export class Readiness {
  readonly #now: () => number
  #databaseAt = Number.NEGATIVE_INFINITY
  #pageRendered = false
  #cannotCount: () => Unready | null
  #drainWanted = false
  #leaving = false

  /** `cannotCount` returns the reason, or null. `now` is a steady clock, in ms. */
  constructor(cannotCount: () => Unready | null, now = () => performance.now()) {
    this.#cannotCount = cannotCount
    this.#now = now
  }

  databaseAnswered(): void {
    this.#databaseAt = this.#now()
  }

  pageRendered(): void {
    this.#pageRendered = true
  }

  /** @returns whether this is a change */
  drain(wanted: boolean): boolean {
    const isChange = wanted !== this.#drainWanted
    this.#drainWanted = wanted
    return isChange
  }

  leave(): void {
    this.#leaving = true
  }

  /** It is stopping and will exit soon. */
  get leaving(): boolean {
    return this.#leaving
  }

  /** It takes no new visitors, because of a command or because it is leaving. */
  get draining(): boolean {
    return this.#drainWanted || this.#leaving
  }

  /** A commit would fail: page views should go to another replica. */
  get cannotCount(): boolean {
    return this.#cannotCount() !== null
  }

  /** The database takes commits, and took a transaction recently. */
  get databaseUp(): boolean {
    return !this.cannotCount && this.#now() - this.#databaseAt <= databaseAwayMs
  }

  /** null if ready */
  get unready(): Unready | null {
    if (this.#leaving) return { code: 'leaving', message: 'It is stopping.' }
    if (!this.#pageRendered) return { code: 'no_page', message: 'No page is rendered yet.' }
    const cannotCount = this.#cannotCount()
    if (cannotCount) return cannotCount
    if (!this.databaseUp)
      return {
        code: 'database_away',
        message: `The database has taken no transaction for ${databaseAwayMs / 1000} s.`,
      }
    if (this.#drainWanted) return { code: 'draining', message: 'It takes no new visitors.' }
    return null
  }
}

/** ms without a success after a failure: a broken connection is soon replaced. */
const failureGraceMs = 300
/** the same after silence, which may also be a busy machine */
const silenceGraceMs = 600
/** ms from the end of a probe to the next one, while commits fail */
const probeEveryMs = 250

type Options = {
  /** Tests whether a commit would succeed, without a hit. `waits`: for a lock that others hold. @throws CommitFailed */
  probe(waits: boolean): Promise<void>
  /** This replica cannot count, because the database is away or refuses; null: it can again. */
  onChange(cannotCount: 'away' | 'refused' | null): void
  /** An attempt failed for another reason than a request id that is in the log. `contention` is no fault of the database. */
  onFailure(failure: CommitFailed): void
  /** The first success after a failure. */
  onSuccess(): void
}

/**
 * Decides from its commits whether this replica can count. After a failure it probes the database until a commit or a probe
 * succeeds. If that takes longer than the grace time, the replica cannot count.
 */
export class CommitHealth {
  readonly #options: Options
  #cause: CommitFailed | null = null
  #failing = false
  #cannotCount: 'away' | 'refused' | null = null
  #succeededAt = Number.NEGATIVE_INFINITY
  #grace: NodeJS.Timeout | undefined
  #next: NodeJS.Timeout | undefined
  #probing = false
  #stopped = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Call it when a batch was committed, or could have been. */
  succeeded(): void {
    this.#succeededAt = performance.now()
    if (!this.#failing) return
    this.#options.onSuccess()
    this.#recover()
  }

  /** Call it when an attempt to commit a batch failed. A repeated request id is no failure, and a held lock no fault. */
  failed(failure: CommitFailed): void {
    if (failure.kind === 'repeat') return
    this.#options.onFailure(failure)
    if (failure.kind === 'contention') return
    this.#cause = failure
    this.#doubt(failureGraceMs)
    if (this.#cannotCount) this.#declare()
  }

  /** Call it when the database has not answered for a while: probes, and relies on the probe. */
  suspect(): void {
    this.#doubt(silenceGraceMs)
  }

  /** Probes once unless a commit succeeded in the last `ms`, so that a replica without visitors also notices an outage. */
  check(ms: number): void {
    if (performance.now() - this.#succeededAt >= ms) void this.#probe()
  }

  /** why this replica cannot count; null if it can, as far as known */
  get unready(): Unready | null {
    const reason = this.#cause?.code ?? 'no answer'
    if (this.#cannotCount === null) return null
    if (this.#cannotCount === 'refused')
      return { code: 'commits_fail', message: `The database refuses commits: ${reason}.` }
    return { code: 'database_away', message: `The database cannot be reached: ${reason}.` }
  }

  /** Stops probing. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#grace)
    clearTimeout(this.#next)
  }

  #recover(): void {
    this.#failing = false
    this.#cause = null
    clearTimeout(this.#grace)
    clearTimeout(this.#next)
    if (this.#cannotCount === null) return
    this.#cannotCount = null
    this.#options.onChange(null)
  }

  #doubt(graceMs: number): void {
    if (this.#failing || this.#stopped) return
    this.#failing = true
    this.#grace = setTimeout(() => this.#declare(), graceMs)
    void this.#probe()
  }

  #declare(): void {
    const cannotCount = this.#cause?.kind === 'refused' ? 'refused' : 'away'
    if (cannotCount === this.#cannotCount) return
    this.#cannotCount = cannotCount
    this.#options.onChange(cannotCount)
  }

  async #probe(): Promise<void> {
    if (this.#probing || this.#stopped) return
    this.#probing = true
    clearTimeout(this.#next)
    // Only a probe that gets the lock shows that the database no longer refuses, however busy the other replicas are.
    const waits = this.#cause?.kind === 'refused'
    const failure = await this.#options.probe(waits).then(() => null, toFailure)
    if (this.#stopped) return
    if (failure === null) this.succeeded()
    else this.#judge(failure)
    this.#probing = false
    if (this.#failing) this.#next = setTimeout(() => void this.#probe(), probeEveryMs)
  }

  /** A probe that finds the lock held has reached the database. It does not show whether the database would refuse. */
  #judge(failure: CommitFailed): void {
    if (failure.kind !== 'contention') this.failed(failure)
    else if (this.#failing && this.#cause?.kind !== 'refused') this.#recover()
  }
}

function toFailure(error: unknown): CommitFailed {
  return error instanceof CommitFailed ? error : new CommitFailed('rolled_back', 'refused', error)
}

const writeLine = (line: string, level: 'error' | 'info') => log[level](line)

/** ms between two log lines about the same error */
const logEveryMs = 10_000

/**
 * Logs why commits fail: immediately, then at most one line every ten seconds per error, with the number of failures since the
 * last line, and one line when it is over.
 */
export class FailureLog {
  readonly #write: (line: string, level: 'error' | 'info') => void
  readonly #now: () => number
  readonly #lastAt = new Map<string, number>()
  #unlogged = 0
  #logged = false

  /** `now` is a steady clock, in ms */
  constructor(
    write: (line: string, level: 'error' | 'info') => void = writeLine,
    now = () => performance.now(),
  ) {
    this.#write = write
    this.#now = now
  }

  failed({ code, message }: CommitFailed): void {
    this.#unlogged++
    if (this.#now() - (this.#lastAt.get(code) ?? Number.NEGATIVE_INFINITY) < logEveryMs) return
    const times = this.#unlogged === 1 ? '' : ` (${this.#unlogged} failures since the last line)`
    this.#write(`page views cannot be counted: ${code}: ${message}${times}`, 'error')
    this.#lastAt.set(code, this.#now())
    this.#unlogged = 0
    this.#logged = true
  }

  succeeded(): void {
    if (!this.#logged) return
    const times = this.#unlogged === 0 ? '' : ` (${this.#unlogged} failures since the last line)`
    this.#write(`page views are counted again${times}`, 'info')
    this.#unlogged = 0
    this.#logged = false
  }
}

/**
 * Notices a counter that went back, for example after a restore or when another database answers. Numbers can
 * arrive out of order, so each is compared with the highest one that was known when it was requested.
 */
export class CounterWatch {
  readonly #onBack: (from: number, to: number) => void
  #highest = 0

  constructor(onBack: (from: number, to: number) => void) {
    this.#onBack = onBack
  }

  /** the highest value known, of the counter or of a given number. Read it before requesting a new one. */
  get highest(): number {
    return this.#highest
  }

  /** `before`: the highest value when this one was requested */
  note(value: number, before: number): void {
    if (value >= before) {
      this.#highest = Math.max(this.#highest, value)
      return
    }
    this.#highest = value
    this.#onBack(before, value)
  }
}
