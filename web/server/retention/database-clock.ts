import { uptime } from 'node:os'
import type { ClockReading } from '../db/retention.ts'

/** ms that a clock may be off: less than the shortest time a row stays (web/server/db/retention.ts) minus one minute */
const tolerance = 30_000
/** Clocks differ in speed: by 0.02 % at most, unless one is broken. */
const drift = 0.001
/** ms between the database's clock and this machine's up to which they agree */
const agreement = 5 * 60_000
const hour = 3_600_000
/** ms between two messages while the clock is in doubt */
const repeatMs = 10 * 60_000

type Mark = { databaseMs: number; steadyMs: number }

type Options = {
  /** ms that passed, whatever anybody sets: it counts while the machine is suspended too */
  steady?: () => number
  /** this machine's time of day, ms since 1970 */
  wall?: () => number
  say?: (text: string) => void
}

/**
 * Says whether the database's clock can be believed: what it says decides which rows are too old, so a clock that jumped
 * would remove rows that are not.
 *
 * A process that has believed the clock once compares it with its own steady clock since then. One that has just started
 * compares it with the time that retention last believed, which is in the database. A gap there is a time without
 * replicas, or a jump: it is believed when this machine's time of day agrees, and the clock then runs steadily for as
 * long as the gap, one hour at most. A clock that jumped under a running process is believed again when it is back; after
 * a jump of less than an hour also as after a gap.
 */
export class DatabaseClock {
  readonly #steady: () => number
  readonly #wall: () => number
  readonly #say: (text: string) => void
  #believed: Mark | null = null
  #candidate: (Mark & { gap: number }) | null = null
  #saidAt: number | null = null

  constructor({ steady = () => uptime() * 1000, wall = Date.now, say = console.error }: Options = {}) {
    this.#steady = steady
    this.#wall = wall
    this.#say = say
  }

  /** whether a jump was seen that is not explained yet */
  get doubted(): boolean {
    return this.#saidAt !== null
  }

  /** @returns the time to go by, or null: nothing may be removed for its age now */
  judge({ now, believedAt }: ClockReading): Date | null {
    const here = { databaseMs: now.getTime(), steadyMs: this.#steady() }
    const gap = this.#gapAt(here, believedAt)
    if (gap === 0 || this.#isHealed(here, gap)) {
      this.#believed ??= here
      this.#candidate = null
      if (this.doubted) this.#say(`retention goes on: the database's clock is believed again, ${iso(here)}`)
      this.#saidAt = null
      return now
    }
    this.#report(here, gap)
    return null
  }

  /** ms that the clock is ahead of what was expected; 0 = as expected. NaN = nothing is known to expect. */
  #gapAt(here: Mark, believedAt: Date | null): number {
    if (this.#believed) {
      const passed = here.steadyMs - this.#believed.steadyMs
      return beyond(here.databaseMs - this.#believed.databaseMs - passed, tolerance + drift * passed)
    }
    return believedAt === null ? Number.NaN : beyond(here.databaseMs - believedAt.getTime(), tolerance)
  }

  #isHealed(here: Mark, gap: number): boolean {
    const isLarge = this.#believed !== null && Math.abs(gap) > hour
    if (isLarge || !this.#agrees(here)) {
      this.#candidate = null
      return false
    }
    if (Number.isNaN(gap)) return true
    const since = this.#candidate
    if (since === null || !follows(since, here)) this.#candidate = { ...here, gap }
    const { steadyMs, gap: first } = this.#candidate ?? { ...here, gap }
    if (here.steadyMs - steadyMs < Math.min(Math.abs(first), hour)) return false
    this.#believed = here
    return true
  }

  #agrees(here: Mark): boolean {
    return Math.abs(here.databaseMs - this.#wall()) <= agreement
  }

  #report(here: Mark, gap: number): void {
    // A replica that has just started after a time without any: nothing is wrong.
    if (this.#believed === null && this.#candidate !== null && !this.doubted) return
    if (this.#saidAt !== null && here.steadyMs - this.#saidAt < repeatMs) return
    this.#saidAt = here.steadyMs
    this.#say(`retention has stopped, nothing is removed: ${this.#whatIsWrong(here, gap)}`)
  }

  #whatIsWrong(here: Mark, gap: number): string {
    const jump = Number.isNaN(gap)
      ? `the database's clock says ${iso(here)}`
      : `the database's clock says ${iso(here)}, ${inWords(gap)} what was expected`
    if (this.#candidate) {
      const wait = Math.min(Math.abs(this.#candidate.gap), hour)
      return `${jump}; it is believed when it was steady for ${inSeconds(wait)}, or when it is back`
    }
    if (!this.#agrees(here)) {
      const off = inWords(here.databaseMs - this.#wall())
      return `${jump}, and ${off} this machine's; set the wrong one right, retention then goes on; if both are right now, restart the replicas`
    }
    return `${jump}; when it is back, retention goes on; if this time is right, restart the replicas`
  }
}

const beyond = (gap: number, allowed: number) => (Math.abs(gap) <= allowed ? 0 : gap)
const iso = ({ databaseMs }: Mark) => new Date(databaseMs).toISOString()
const inSeconds = (ms: number) => `${Math.round(Math.abs(ms) / 1000)} s`
const inWords = (ms: number) => `${inSeconds(ms)} ${ms < 0 ? 'behind' : 'ahead of'}`

function follows(earlier: Mark, later: Mark): boolean {
  const gap = later.databaseMs - earlier.databaseMs - (later.steadyMs - earlier.steadyMs)
  return Math.abs(gap) <= tolerance
}
