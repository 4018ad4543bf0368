/** ms without a transaction after which the database counts as away. */
const databaseAwayMs = 5000

/** Why a replica is not ready, as a code and in words. */
export type Unready = { code: string; message: string }

/**
 * Whether this replica can serve, and whom: its first page is rendered, it can count, the database took a transaction
 * lately, and it neither drains nor leaves.
 */
export class Readiness {
  readonly #now: () => number
  #databaseAt = Number.NEGATIVE_INFINITY
  #pageRendered = false
  #cannotCount: () => Unready | null
  #drainWanted = false
  #leaving = false

  /** `cannotCount`: why it cannot, if it cannot. `now` is a steady clock, in ms */
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

  /** @returns whether that is news */
  drain(wanted: boolean): boolean {
    const isNews = wanted !== this.#drainWanted
    this.#drainWanted = wanted
    return isNews
  }

  leave(): void {
    this.#leaving = true
  }

  /** It was told to stop, and is gone soon. */
  get leaving(): boolean {
    return this.#leaving
  }

  /** It takes no new visitors: it was asked to, or would not have them for long. */
  get draining(): boolean {
    return this.#drainWanted || this.#leaving
  }

  /** A commit would fail: a page view should go to another replica. */
  get cannotCount(): boolean {
    return this.#cannotCount() !== null
  }

  /** null = ready */
  get unready(): Unready | null {
    if (this.#leaving) return { code: 'leaving', message: 'It was told to stop.' }
    if (!this.#pageRendered) return { code: 'no_page', message: 'No page is rendered yet.' }
    const cannotCount = this.#cannotCount()
    if (cannotCount) return cannotCount
    if (this.#now() - this.#databaseAt > databaseAwayMs)
      return { code: 'database_away', message: 'The database took no transaction lately.' }
    if (this.#drainWanted) return { code: 'draining', message: 'It takes no new visitors.' }
    return null
  }
}
