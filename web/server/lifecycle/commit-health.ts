import { CommitFailed } from '../hits/hit.ts'
import type { Unready } from './readiness.ts'

/** ms for which nothing may succeed after a failure: a connection that broke is soon replaced. */
const failureGraceMs = 300
/** the same after mere silence, which may also be a busy machine */
const silenceGraceMs = 600
/** ms between the end of a probe and the next one, while commits fail */
const probeEveryMs = 250

type Options = {
  /** Tries whether a commit would succeed, without a hit. `waits`: for a lock that others hold. @throws CommitFailed */
  probe(waits: boolean): Promise<void>
  /** This replica cannot count, because the database is away or refuses; null = it can again. */
  onChange(cannotCount: 'away' | 'refused' | null): void
  /** An attempt failed that should have succeeded. */
  onFailure(failure: CommitFailed): void
  /** The first success after a failure. */
  onSuccess(): void
}

/**
 * Whether this replica can count, told by its own commits. After a failure it probes the database until a commit or a probe
 * succeeds. When that takes longer than a moment, the replica cannot count.
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

  /** A batch was committed, or a probe would have been. */
  succeeded(): void {
    this.#succeededAt = performance.now()
    if (!this.#failing) return
    this.#options.onSuccess()
    this.#recover()
  }

  /** An attempt to commit a batch failed. A request id that is counted already is no failure, and a lock no fault. */
  failed(failure: CommitFailed): void {
    if (failure.kind === 'repeat') return
    this.#options.onFailure(failure)
    if (failure.kind === 'contention') return
    this.#cause = failure
    this.#doubt(failureGraceMs)
    if (this.#cannotCount) this.#declare()
  }

  /** Something got no answer of the database for a while: probes, and believes the probe. */
  suspect(): void {
    this.#doubt(silenceGraceMs)
  }

  /** Probes once unless a commit has succeeded in the last `ms`: a replica without visitors must know, too. */
  check(ms: number): void {
    if (performance.now() - this.#succeededAt >= ms) void this.#probe()
  }

  /** why this replica cannot count; null = it can, for all that is known */
  get unready(): Unready | null {
    const reason = this.#cause?.code ?? 'no answer'
    if (this.#cannotCount === null) return null
    if (this.#cannotCount === 'refused')
      return { code: 'commits_fail', message: `The database refuses commits: ${reason}.` }
    return { code: 'database_away', message: `The database cannot be reached: ${reason}.` }
  }

  /** Probes no more. */
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
    // Only a probe that gets the lock can find that the database refuses no longer, however busy the other replicas are.
    const waits = this.#cause?.kind === 'refused'
    const failure = await this.#options.probe(waits).then(() => null, toFailure)
    if (this.#stopped) return
    if (failure === null) this.succeeded()
    else this.#judge(failure)
    this.#probing = false
    if (this.#failing) this.#next = setTimeout(() => void this.#probe(), probeEveryMs)
  }

  /** Who hears that others hold the lock has reached the database; whether it would refuse is not known. */
  #judge(failure: CommitFailed): void {
    if (failure.kind !== 'contention') this.failed(failure)
    else if (this.#failing && this.#cause?.kind !== 'refused') this.#recover()
  }
}

function toFailure(error: unknown): CommitFailed {
  return error instanceof CommitFailed ? error : new CommitFailed('rolled_back', 'refused', error)
}

/** ms between two lines about failures */
const logEveryMs = 10_000

/**
 * Logs why commits fail: at once, then a line every ten seconds at most for each error, with the number of failures between,
 * and one when it is over.
 */
export class FailureLog {
  readonly #write: (line: string) => void
  readonly #now: () => number
  readonly #lastAt = new Map<string, number>()
  #unsaid = 0
  #said = false

  /** `now` is a steady clock, in ms */
  constructor(write: (line: string) => void = console.error, now = () => performance.now()) {
    this.#write = write
    this.#now = now
  }

  failed({ code, message }: CommitFailed): void {
    this.#unsaid++
    if (this.#now() - (this.#lastAt.get(code) ?? Number.NEGATIVE_INFINITY) < logEveryMs) return
    const times = this.#unsaid === 1 ? '' : ` (${this.#unsaid} failures since the last line)`
    this.#write(`page views cannot be counted: ${code}: ${message}${times}`)
    this.#lastAt.set(code, this.#now())
    this.#unsaid = 0
    this.#said = true
  }

  succeeded(): void {
    if (!this.#said) return
    const times = this.#unsaid === 0 ? '' : ` (${this.#unsaid} failures since the last line)`
    this.#write(`page views are counted again${times}`)
    this.#unsaid = 0
    this.#said = false
  }
}

/**
 * Notices a counter that went back: after a restore, or when another database answers. Numbers that are on their way
 * when others come in are no sign of it, so each is compared with what was known before it was asked for.
 */
export class CounterWatch {
  readonly #onBack: (from: number, to: number) => void
  #highest = 0

  constructor(onBack: (from: number, to: number) => void) {
    this.#onBack = onBack
  }

  /** the highest value known, of the counter or of a number given; to be read before a new one is asked for */
  get highest(): number {
    return this.#highest
  }

  /** `before`: the highest value when this one was asked for */
  note(value: number, before: number): void {
    if (value >= before) {
      this.#highest = Math.max(this.#highest, value)
      return
    }
    this.#highest = value
    this.#onBack(before, value)
  }
}
