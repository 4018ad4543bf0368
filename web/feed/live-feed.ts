import type { ServerResponse } from 'node:http'
import type { LiveTrouble, Snapshot, SnapshotChange } from '../answers.ts'
import type { Board } from './board.ts'
import { LiveStreams } from './live-streams.ts'

/** ms between two readings while somebody watches: two queries each, so four a second at the most. */
const tickMs = 500
/** Longest silence on a stream, in ms: a dashboard that hears nothing for longer knows that it is cut off. */
const silenceMs = 2000

/** Pushes what is new on the board to every open dashboard. It reads only while somebody watches. */
export class LiveFeed {
  readonly #board: Board
  readonly #streams = new LiveStreams()
  #timer: NodeJS.Timeout | null = null
  #sentCounter = 0
  #sentAt = Number.NEGATIVE_INFINITY
  #troubleSince: string | null = null

  constructor(board: Board) {
    this.#board = board
  }

  /** dashboards connected */
  get size(): number {
    return this.#streams.size
  }

  /** Begins a stream with a full snapshot. @throws when none can be read */
  async open(response: ServerResponse): Promise<void> {
    await this.#board.noOlderThan(tickMs)
    if (response.destroyed) return
    // The latest one, not the one awaited: nothing that was sent meanwhile may be missing from it.
    this.#streams.add(response, 'snapshot', this.#board.latest satisfies Snapshot | null)
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
      this.#troubleSince = null
      if (snapshot.counter !== this.#sentCounter || this.#isSilent()) this.#sendChange(snapshot)
    } catch {
      this.#troubleSince ??= this.#board.latest?.at ?? new Date().toISOString()
      if (this.#isSilent()) this.#send('trouble', { since: this.#troubleSince } satisfies LiveTrouble)
    }
    const pause = Math.max(0, tickMs - (performance.now() - startedAt))
    this.#timer = this.#streams.size > 0 ? setTimeout(() => this.#tick(), pause) : null
  }

  #sendChange(snapshot: Snapshot): void {
    const log = snapshot.log.filter(row => row.id > this.#sentCounter)
    this.#sentCounter = snapshot.counter
    this.#send('change', { ...snapshot, log } satisfies SnapshotChange)
  }

  #send(event: string, data: unknown): void {
    this.#sentAt = performance.now()
    this.#streams.send(event, data)
  }

  #isSilent(): boolean {
    return performance.now() - this.#sentAt >= silenceMs - tickMs
  }
}
