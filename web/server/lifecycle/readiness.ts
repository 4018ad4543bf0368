// The lifecycle of a replica: whether it can serve (this module), whether it can count (commit-health.ts), its row and
// heartbeat in the database (own-row.ts), control of the servers (control.ts, own-end.ts) and periodic work (periodic-task.ts).
// web/server/replica/services.ts connects them; they use the queries in web/server/db.

/** ms without a transaction after which the database counts as away. */
const databaseAwayMs = 5000

/** Why a replica is not ready, as a code and a sentence. */
export type Unready = { code: string; message: string }

/**
 * Whether this replica can serve, and which visitors: its first page is rendered, it can count, the database took a transaction
 * recently, and it neither drains nor leaves.
 */
export class Readiness {
  readonly #now: () => number
  #databaseAt = Number.NEGATIVE_INFINITY
  #pageRendered = false
  #cannotCount: () => Unready | null
  #drainWanted = false
  #leaving = false

  /** `cannotCount` returns the reason, or null. `now` is a steady clock, in ms. */
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

  /** @returns whether this is a change */
  drain(wanted: boolean): boolean {
    const isChange = wanted !== this.#drainWanted
    this.#drainWanted = wanted
    return isChange
  }

  leave(): void {
    this.#leaving = true
  }

  /** It was told to stop and will exit soon. */
  get leaving(): boolean {
    return this.#leaving
  }

  /** It takes no new visitors, because it was asked to or because it is leaving. */
  get draining(): boolean {
    return this.#drainWanted || this.#leaving
  }

  /** A commit would fail: page views should go to another replica. */
  get cannotCount(): boolean {
    return this.#cannotCount() !== null
  }

  /** The database takes commits, and took a transaction recently. */
  get databaseUp(): boolean {
    return !this.cannotCount && this.#now() - this.#databaseAt <= databaseAwayMs
  }

  /** null if ready */
  get unready(): Unready | null {
    if (this.#leaving) return { code: 'leaving', message: 'It is stopping.' }
    if (!this.#pageRendered) return { code: 'no_page', message: 'No page is rendered yet.' }
    const cannotCount = this.#cannotCount()
    if (cannotCount) return cannotCount
    if (!this.databaseUp)
      return { code: 'database_away', message: 'The database has taken no transaction for 5 s.' }
    if (this.#drainWanted) return { code: 'draining', message: 'It takes no new visitors.' }
    return null
  }
}
