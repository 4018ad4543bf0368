import { RecentMedian } from './recent-median.ts'

/** ms between two looks */
const everyMs = 25
/** ms that a look counts for */
const keepMs = 1000

/** How late this process gets to what is due: what a request waits before it is even read. */
export class LoopLag {
  readonly #late = new RecentMedian(keepMs)
  #timer: NodeJS.Timeout | undefined

  /** ms, lately; the process does not notice being frozen, for that is one moment */
  get ms(): number {
    return this.#late.value
  }

  start(): void {
    const dueAt = performance.now() + everyMs
    this.#timer = setTimeout(() => {
      this.#late.add(performance.now() - dueAt)
      this.start()
    }, everyMs).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
