/** ms without a transaction after which the database counts as away. */
const databaseAwayMs = 5000

/** Whether this replica can serve: its first page is rendered, the database took a transaction lately, it is not leaving. */
export class Readiness {
  #databaseAt = Number.NEGATIVE_INFINITY
  #pageRendered = false
  #leaving = false

  databaseAnswered(): void {
    this.#databaseAt = performance.now()
  }

  pageRendered(): void {
    this.#pageRendered = true
  }

  leave(): void {
    this.#leaving = true
  }

  get leaving(): boolean {
    return this.#leaving
  }

  /** Why it is not ready, in words; null = ready */
  get reason(): string | null {
    if (this.#leaving) return 'draining'
    if (!this.#pageRendered) return 'no page is rendered yet'
    if (performance.now() - this.#databaseAt > databaseAwayMs)
      return 'the database took no transaction lately'
    return null
  }
}
