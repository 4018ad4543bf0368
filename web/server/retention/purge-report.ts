/** ms between two lines in the log */
const everyMs = 60_000

/** What retention removed: rows, up to a number and, where it is known, of a time. */
export type Removed = { rows: number; through: number; throughAt?: string }

/** Says what retention removed, in one line a minute at most, and counts it. */
export class PurgeReport {
  readonly #what: string
  readonly #count: (rows: number) => void
  readonly #say: (text: string) => void
  readonly #now: () => number
  #unsaid: Removed | null = null
  #saidAt = Number.NEGATIVE_INFINITY

  /** `what` is in the plural: "rows of the log" */
  constructor(
    what: string,
    count: (rows: number) => void,
    say: (text: string) => void = console.log,
    now = () => performance.now(),
  ) {
    this.#what = what
    this.#count = count
    this.#say = say
    this.#now = now
  }

  note(removed: Removed): void {
    this.#count(removed.rows)
    this.#unsaid = { ...removed, rows: (this.#unsaid?.rows ?? 0) + removed.rows }
    this.flush()
  }

  /** Says what is due. To be called after each turn: then nothing stays unsaid for long. */
  flush(): void {
    if (this.#unsaid === null || this.#now() - this.#saidAt < everyMs) return
    const { rows, through, throughAt } = this.#unsaid
    const time = throughAt === undefined ? '' : `, of ${throughAt}`
    this.#say(`retention removed ${rows} ${this.#what}, up to number ${through}${time}`)
    this.#unsaid = null
    this.#saidAt = this.#now()
  }
}
