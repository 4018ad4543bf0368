/** ms that what is shown stands at least, when there is news in a row: a little under two of the server's ticks */
const standsMs = 400
/** ms after which news that no other followed is shown */
const heldMs = 600

/**
 * When news is shown. The server tells of it four times a second, and each showing costs the page the same however little
 * is new: so the first is shown at once, and of news in a row every second one.
 */
export class NewsPace {
  readonly #show: () => void
  readonly #now: () => number
  #shownAt = Number.NEGATIVE_INFINITY
  #held: ReturnType<typeof setTimeout> | undefined

  /** `show` is called when it is time for what was held; `now` is a steady clock, in ms */
  constructor(show: () => void, now = () => performance.now()) {
    this.#show = show
    this.#now = now
  }

  /** Whether what is new has to wait. */
  get holds(): boolean {
    return this.#held !== undefined
  }

  news(): void {
    const stoodMs = this.#now() - this.#shownAt
    if (stoodMs >= standsMs) this.letGo()
    else this.#held ??= setTimeout(() => this.#release(), heldMs - stoodMs)
  }

  shown(): void {
    this.letGo()
    this.#shownAt = this.#now()
  }

  letGo(): void {
    clearTimeout(this.#held)
    this.#held = undefined
  }

  #release(): void {
    this.letGo()
    this.#show()
  }
}
