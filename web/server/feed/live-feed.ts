import type { ServerResponse } from 'node:http'
import type { Snapshot } from '../../shared/api.ts'
import type { Board } from './board.ts'
import type { LiveEvent } from './event-coding.ts'
import { LiveStreams } from './live-streams.ts'

/** ms between two readings while somebody watches: one query each, so fewer than four a second. */
const tickMs = 260
/** How old a board may be that a stream begins with, in ms: while somebody watches, one that comes costs no reading. */
const firstAgeMs = 500
/** Longest silence on a stream, in ms: a dashboard that hears nothing for longer knows that it is cut off. */
const silenceMs = 2000

/** Pushes what is new on the board to every open dashboard. It reads only while somebody watches. */
export class LiveFeed {
  readonly #board: Board
  readonly #streams = new LiveStreams()
  #timer: NodeJS.Timeout | null = null
  #sentCounter = 0
  #sentGeneration = 0
  #sentAt = Number.NEGATIVE_INFINITY
  #troubleSince: string | null = null

  constructor(board: Board) {
    this.#board = board
  }

  /** dashboards connected */
  get size(): number {
    return this.#streams.size
  }

  /**
   * Begins a stream with a full snapshot, compressed to whom `takesGzip`; while the database does not answer with the last
   * one, and says so.
   * @throws when there is none at all
   */
  async open(response: ServerResponse, takesGzip: boolean): Promise<void> {
    try {
      await this.#board.noOlderThan(firstAgeMs)
      this.#troubleSince = null
    } catch (error) {
      if (!this.#board.latest) throw error
      this.#noteTrouble()
    }
    // The latest one, not the one awaited: nothing that was sent meanwhile may be missing from it.
    const snapshot = this.#board.latest
    if (response.destroyed || !snapshot) return
    this.#streams.add(response, takesGzip, ['snapshot', snapshot], ...this.#trouble())
    this.#timer ??= setTimeout(() => this.#tick(), tickMs)
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#streams.closeAll()
  }

  async #tick(): Promise<void> {
    const startedAt = performance.now()
    try {
      const snapshot = await this.#board.refresh()
      const isNews = snapshot.counter !== this.#sentCounter || this.#troubleSince !== null
      this.#troubleSince = null
      if (isNews || this.#isSilent()) await this.#sendChange(snapshot)
    } catch {
      this.#noteTrouble()
      if (this.#isSilent()) for (const event of this.#trouble()) await this.#send(event)
    }
    const pause = Math.max(0, tickMs - (performance.now() - startedAt))
    this.#timer = this.#streams.size > 0 ? setTimeout(() => this.#tick(), pause) : null
  }

  async #sendChange(snapshot: Snapshot): Promise<void> {
    if (this.#sentGeneration !== this.#board.generation) {
      this.#sentGeneration = this.#board.generation
      this.#sentCounter = snapshot.counter
      // All of it: a dashboard must not keep rows of a log that is no more.
      return this.#send(['snapshot', snapshot])
    }
    const log = snapshot.log.filter(row => row.id > this.#sentCounter)
    this.#sentCounter = snapshot.counter
    await this.#send(['change', { ...snapshot, log }])
  }

  #noteTrouble(): void {
    this.#troubleSince ??= this.#board.latest?.at ?? new Date().toISOString()
  }

  /** What is to be told of it, if there is any. */
  #trouble(): LiveEvent[] {
    return this.#troubleSince === null ? [] : [['trouble', { since: this.#troubleSince }]]
  }

  async #send(event: LiveEvent): Promise<void> {
    this.#sentAt = performance.now()
    const snapshot = this.#board.latest
    await this.#streams.send(event, snapshot ? [['snapshot', snapshot], ...this.#trouble()] : [event])
  }

  #isSilent(): boolean {
    return performance.now() - this.#sentAt >= silenceMs - tickMs
  }
}
