import type { Snapshot } from '../../shared/api.ts'
import type { BoardReading } from '../db/board.ts'
import { KnownServers } from './known-servers.ts'
import { logLength, toSnapshot } from './snapshot.ts'

/** Reads the board, with the newest of the log's rows after number `after`, `logLength` at most. */
export type ReadBoard = (after: number) => Promise<BoardReading>

/**
 * The newest snapshot this replica has, shared by the page, the API and every dashboard: the cost to the database does
 * not depend on how many look at it. It only ever moves forward, but for a database that was restored.
 */
export class Board {
  readonly #readBoard: ReadBoard
  readonly knownServers = new KnownServers()
  #latest: Snapshot | null = null
  #readAt = Number.NEGATIVE_INFINITY
  #refreshing: Promise<Snapshot> | null = null
  #generation = 0

  constructor(readBoard: ReadBoard) {
    this.#readBoard = readBoard
  }

  /** Another one once the log is no longer the one known before: the rows of a snapshot then do not follow the earlier. */
  get generation(): number {
    return this.#generation
  }

  /** null before the first reading */
  get latest(): Snapshot | null {
    return this.#latest
  }

  /** The latest snapshot if it was asked for less than `ms` ago, else a new one. @throws when the database does not answer */
  async noOlderThan(ms: number): Promise<Snapshot> {
    if (this.#latest && performance.now() - this.#readAt < ms) return this.#latest
    return this.refresh()
  }

  /** Reads a new snapshot; callers meanwhile share it. @throws when the database does not answer */
  refresh(): Promise<Snapshot> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  async #read(): Promise<Snapshot> {
    const startedAt = performance.now()
    let before = this.#latest?.log ?? []
    let reading = await this.#readBoard(before[0]?.id ?? 0)
    // The newest row known is not there any more, or is another: numbers went back, and are given again.
    if (before[0] && reading.afterAt !== before[0].at) {
      this.#generation += 1
      before = []
      reading = await this.#readBoard(0)
    }
    this.#latest = toSnapshot(reading, [...reading.log, ...before].slice(0, logLength))
    this.knownServers.note(this.#latest.servers)
    this.#readAt = startedAt
    return this.#latest
  }
}
