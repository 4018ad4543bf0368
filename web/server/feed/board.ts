import type { LogRow, ServerRow, Snapshot } from '../../shared/api.ts'
import type { BoardReading } from '../db/board.ts'
import { type BoardServer, serverState } from '../db/server-row.ts'

/** Reads the board, with the newest of the log's rows after number `after`, `logLength` at most. */
type ReadBoard = (after: number) => Promise<BoardReading>

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

/** Log rows in a snapshot. */
export const logLength = 50

/** `log`: the rows to show, newest first */
export function toSnapshot(reading: Omit<BoardReading, 'log' | 'afterAt'>, log: LogRow[]): Snapshot {
  const shown = reading.servers.reduce((sum, server) => sum + server.hits, 0)
  return {
    counter: reading.counter,
    at: reading.at,
    servers: reading.servers.map(server => toServerRow(server, reading.counter)),
    earlier_hits: reading.totalHits - shown,
    log,
  }
}

function toServerRow(server: BoardServer, counter: number): ServerRow {
  const state = serverState(server)
  const serving = state !== 'lost' && state !== 'stopped'
  return {
    id: server.id,
    srv_id: server.srvId,
    name: server.name,
    address: server.address,
    state,
    hits: server.hits,
    share: counter === 0 ? 0 : server.hits / counter,
    // Its last word on its rate is no longer true once it is gone.
    rate: serving ? server.rate : 0,
    started_at: server.startedAt,
    last_seen_at: server.lastSeenAt,
    p50_ms: server.p50Ms,
    p99_ms: server.p99Ms,
    errors: server.errors,
    error_codes: server.errorCodes,
    streams: serving ? server.streams : 0,
    memory_bytes: server.memoryBytes,
  }
}

/** Addresses are used again, so there are few; against a network that never does. */
const mostKnown = 1000

/**
 * The servers this replica has seen, each as it was last: a cookie lives longer than a server that is gone is shown.
 */
export class KnownServers {
  readonly #bySrvId = new Map<string, ServerRow>()

  note(servers: ServerRow[]): void {
    for (const server of servers) {
      // In again at the end: what stands first was not seen for longest.
      this.#bySrvId.delete(server.srv_id)
      this.#bySrvId.set(server.srv_id, server)
    }
    for (const srvId of this.#bySrvId.keys()) {
      if (this.#bySrvId.size <= mostKnown) return
      this.#bySrvId.delete(srvId)
    }
  }

  find(srvId: string): ServerRow | null {
    return this.#bySrvId.get(srvId) ?? null
  }
}
