import type { LogRow, Snapshot } from '../answers.ts'
import type { BoardReading } from '../database/read-board.ts'
import { KnownServers } from './known-servers.ts'
import { logLength, toSnapshot } from './snapshot.ts'

/** Where the board reads from. */
export type BoardSource = {
  readBoard(): Promise<BoardReading>
  /** the newest rows with `after` < id <= `upTo`, newest first, `logLength` at most */
  readLogTail(after: number, upTo: number): Promise<LogRow[]>
}

/**
 * The newest snapshot this replica has, shared by the page, the API and every dashboard: the cost to the database does
 * not depend on how many look at it. It only ever moves forward.
 */
export class Board {
  readonly #source: BoardSource
  readonly knownServers = new KnownServers()
  #latest: Snapshot | null = null
  #readAt = Number.NEGATIVE_INFINITY
  #refreshing: Promise<Snapshot> | null = null

  constructor(source: BoardSource) {
    this.#source = source
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
    const reading = await this.#source.readBoard()
    const before = this.#latest?.log ?? []
    const known = before[0]?.id ?? 0
    const added = reading.counter > known ? await this.#source.readLogTail(known, reading.counter) : []
    this.#latest = toSnapshot(reading, [...added, ...before].slice(0, logLength))
    this.knownServers.note(this.#latest.servers)
    this.#readAt = startedAt
    return this.#latest
  }
}
