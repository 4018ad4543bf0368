import { uptime } from 'node:os'
import type { ClockReading } from '../db/retention.ts'
import { log } from '../log.ts'

/** ms that a clock may be off: less than the minimum age of a row (web/server/db/retention.ts) minus one minute */
const toleranceMs = 30_000
/** The relative difference in speed of two clocks: 0.02 % at most, unless one is broken. */
const drift = 0.001
/** ms that the database's clock and this machine's may differ and still agree */
const agreementMs = 5 * 60_000
const hourMs = 3_600_000
/** ms between two messages while the clock is in doubt */
const repeatMs = 10 * 60_000

type ClockSample = { databaseMs: number; steadyMs: number }

type Options = {
  /** ms of a clock that cannot be set, and that goes on while the machine is suspended */
  steady?: () => number
  /** this machine's time of day, ms since 1970 */
  wall?: () => number
  log?: (text: string, level: 'error' | 'info') => void
}

/**
 * Decides whether the database's clock can be trusted. Retention removes rows by their age, so a clock that jumped would remove
 * rows that are too young.
 *
 * A process that has trusted the clock once compares it with its steady clock since then. A process that has just
 * started compares it with the time that retention last trusted, which is in the database. A gap there is either a time
 * without replicas or a jump: the clock is trusted once this machine's time of day agrees and the clock has run
 * steadily for as long as the gap, but at most one hour. If the clock jumps under a running process, it is trusted
 * again when it is back, and after a jump of less than an hour also like after a gap.
 */
export class DatabaseClock {
  readonly #steady: () => number
  readonly #wall: () => number
  readonly #write: (text: string, level: 'error' | 'info') => void
  #believed: ClockSample | null = null
  #candidate: (ClockSample & { gap: number }) | null = null
  #loggedAt: number | null = null

  constructor({ steady = () => uptime() * 1000, wall = Date.now, log: write = writeLine }: Options = {}) {
    this.#steady = steady
    this.#wall = wall
    this.#write = write
  }

  /** whether a jump was seen that is not resolved yet */
  get doubted(): boolean {
    return this.#loggedAt !== null
  }

  /** @returns the trusted time; null if nothing may be removed by age now */
  judge({ now, believedAt }: Pick<ClockReading, 'now' | 'believedAt'>): Date | null {
    const here = { databaseMs: now.getTime(), steadyMs: this.#steady() }
    const gap = this.#gapAt(here, believedAt)
    if (gap === 0 || this.#isHealed(here, gap)) {
      this.#believed ??= here
      this.#candidate = null
      if (this.doubted)
        this.#write(`retention goes on: the database's clock is trusted again, ${iso(here)}`, 'info')
      this.#loggedAt = null
      return now
    }
    this.#report(here, gap)
    return null
  }

  /** ms that the clock is ahead of what was expected. 0: as expected. NaN: nothing is known to compare with. */
  #gapAt(here: ClockSample, believedAt: Date | null): number {
    if (this.#believed) {
      const passed = here.steadyMs - this.#believed.steadyMs
      return beyond(here.databaseMs - this.#believed.databaseMs - passed, toleranceMs + drift * passed)
    }
    return believedAt === null ? Number.NaN : beyond(here.databaseMs - believedAt.getTime(), toleranceMs)
  }

  #isHealed(here: ClockSample, gap: number): boolean {
    const isLarge = this.#believed !== null && Math.abs(gap) > hourMs
    if (isLarge || !this.#agrees(here)) {
      this.#candidate = null
      return false
    }
    if (Number.isNaN(gap)) return true
    const since = this.#candidate
    if (since === null || !follows(since, here)) this.#candidate = { ...here, gap }
    const { steadyMs, gap: first } = this.#candidate ?? { ...here, gap }
    if (here.steadyMs - steadyMs < Math.min(Math.abs(first), hourMs)) return false
    this.#believed = here
    return true
  }

  #agrees(here: ClockSample): boolean {
    return Math.abs(here.databaseMs - this.#wall()) <= agreementMs
  }

  #report(here: ClockSample, gap: number): void {
    // A replica has just started after a time without replicas: nothing is wrong.
    if (this.#believed === null && this.#candidate !== null && !this.doubted) return
    if (this.#loggedAt !== null && here.steadyMs - this.#loggedAt < repeatMs) return
    this.#loggedAt = here.steadyMs
    this.#write(`retention has stopped, nothing is removed: ${this.#whatIsWrong(here, gap)}`, 'error')
  }

  #whatIsWrong(here: ClockSample, gap: number): string {
    const jump = Number.isNaN(gap)
      ? `the database's clock says ${iso(here)}`
      : `the database's clock says ${iso(here)}, ${inWords(gap)} what was expected`
    if (this.#candidate) {
      const wait = Math.min(Math.abs(this.#candidate.gap), hourMs)
      return `${jump}; it is trusted after it has been steady for ${inSeconds(wait)}, or when it is back`
    }
    if (!this.#agrees(here)) {
      const off = inWords(here.databaseMs - this.#wall())
      return `${jump}, and ${off} this machine's; correct the wrong clock, then retention goes on; if both are right now, restart the replicas`
    }
    return `${jump}; retention goes on when it is back; if this time is right, restart the replicas`
  }
}

const writeLine = (text: string, level: 'error' | 'info') => log[level](text)
const beyond = (gap: number, allowed: number) => (Math.abs(gap) <= allowed ? 0 : gap)
const iso = ({ databaseMs }: ClockSample) => new Date(databaseMs).toISOString()
const inSeconds = (ms: number) => `${Math.round(Math.abs(ms) / 1000)} s`
const inWords = (ms: number) => `${inSeconds(ms)} ${ms < 0 ? 'behind' : 'ahead of'}`

function follows(earlier: ClockSample, later: ClockSample): boolean {
  const gap = later.databaseMs - earlier.databaseMs - (later.steadyMs - earlier.steadyMs)
  return Math.abs(gap) <= toleranceMs
}
