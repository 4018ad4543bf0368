/** Samples kept at the most: enough that a single outlier is not the middle. */
const most = 15
/** Samples without which nothing is said. */
const least = 3

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
    if (this.#samples.length > most) this.#samples.shift()
  }

  /** 0 while too little was measured lately */
  get value(): number {
    const since = this.#now() - this.#keepMs
    const recent = this.#samples.filter(({ at }) => at > since).map(({ value }) => value)
    if (recent.length < least) return 0
    return recent.sort((a, b) => a - b)[Math.floor(recent.length / 2)] ?? 0
  }
}
