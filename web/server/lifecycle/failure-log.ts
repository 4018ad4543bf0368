import type { CommitFailed } from '../hits/hit-store.ts'

/** ms between two lines about failures */
const everyMs = 10_000

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
    if (this.#now() - (this.#lastAt.get(code) ?? Number.NEGATIVE_INFINITY) < everyMs) return
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
