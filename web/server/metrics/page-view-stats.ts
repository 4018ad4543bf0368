import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { heartbeatSeconds, rateSeconds } from '../../shared/limits.ts'

/** Recent stats cover this many windows of one heartbeat each. */
const windows = rateSeconds / heartbeatSeconds

type Window = { startedAt: number; hits: number; durations: RecordableHistogram }

/** Stats of this replica's recent page views, for its row in `server`. Times are ms, by the given clock. */
export class PageViewStats {
  readonly #now: () => number
  #windows: Window[]
  /** those of all windows together. Reused, like the oldest window's: a new one is a large piece of memory from the system. */
  readonly #all = createHistogram()
  readonly #errors = new Map<string, number>()

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#windows = [this.#openWindow()]
  }

  recordHit(durationMs: number): void {
    const window = this.#windows.at(-1)
    if (!window) return
    window.hits++
    window.durations.record(Math.max(1, Math.round(durationMs * 1000)))
  }

  recordError(code: string): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
  }

  /** Page views answered with an error since the start: the sum, and by code. */
  get errors(): { errors: number; errorCodes: Record<string, number> } {
    const errors = [...this.#errors.values()].reduce((sum, count) => sum + count, 0)
    return { errors, errorCodes: Object.fromEntries(this.#errors) }
  }

  /** Stats over the last windows; opens a new window. Called at every heartbeat. */
  roll(): { rate: number; p50Ms: number | null; p99Ms: number | null } {
    const all = this.#all
    all.reset()
    for (const window of this.#windows) all.add(window.durations)
    const hits = this.#windows.reduce((sum, window) => sum + window.hits, 0)
    const seconds = (this.#now() - (this.#windows[0]?.startedAt ?? 0)) / 1000
    const answer = {
      rate: seconds > 0 ? hits / seconds : 0,
      p50Ms: hits > 0 ? all.percentile(50) / 1000 : null,
      p99Ms: hits > 0 ? all.percentile(99) / 1000 : null,
    }
    const oldest = this.#windows.length < windows ? undefined : this.#windows.shift()
    this.#windows.push(this.#openWindow(oldest?.durations))
    return answer
  }

  #openWindow(durations = createHistogram()): Window {
    durations.reset()
    return { startedAt: this.#now(), hits: 0, durations }
  }
}
