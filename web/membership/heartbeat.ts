/** ms between two signs of life. Three missed ones make a server lost. */
const beatMs = 2000

/** Keeps this replica's row fresh: one beat at a time, and the next one when it is due, whether it failed or not. */
export class Heartbeat {
  readonly #beat: () => Promise<void>
  #timer: NodeJS.Timeout | null = null
  #beating: Promise<void> = Promise.resolve()
  #stopped = false

  /** `beat` writes one sign of life. What it throws is the database's trouble, which readiness tells. */
  constructor(beat: () => Promise<void>) {
    this.#beat = beat
  }

  /** Beats now, and then every two seconds. Resolves after this beat. */
  async start(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    const startedAt = performance.now()
    this.#beating = this.#beat().catch(() => {})
    await this.#beating
    if (this.#stopped) return
    const rest = Math.max(0, beatMs - (performance.now() - startedAt))
    this.#timer = setTimeout(() => this.start(), rest)
  }

  /** No beat after this has resolved. */
  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#beating
  }
}
