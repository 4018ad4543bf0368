import type { FiringAlert, LogRow, ServerRow, Snapshot } from '../../shared/api.ts'
import { boardLogLength } from '../../shared/limits.ts'
import type { BoardReading } from '../db/board.ts'
import { toServerRows } from '../db/server-state.ts'

/** Reads the board, with at most `boardLogLength` of the log rows with numbers above `after`. */
type ReadBoard = (after: number) => Promise<BoardReading>

/** `current`: the alerts that fire, the same array until they change; null = not known */
type AlertSource = { readonly current: FiringAlert[] | null }

/**
 * This replica's newest snapshot, shared by the page, the API and all dashboards: the cost to the database does not depend on
 * how many watch. It only moves forward, unless the database was restored.
 */
export class Board {
  readonly #readBoard: ReadBoard
  readonly #alerts: AlertSource
  readonly knownServers = new KnownServers()
  #latest: Snapshot | null = null
  #readAt = Number.NEGATIVE_INFINITY
  #refreshing: Promise<Snapshot> | null = null
  #generation = 0
  /** when the first of the readings began that have failed since the last success; ms of a steady clock */
  #failingSince: number | null = null
  /** the last time in which the database did not answer: ms since 1970, by its clock */
  #outage: { from: number; until: number } | null = null

  constructor(readBoard: ReadBoard, alerts: AlertSource = { current: null }) {
    this.#readBoard = readBoard
    this.#alerts = alerts
  }

  /** Changes when numbers went back: the rows of the snapshot then do not continue the earlier ones. */
  get generation(): number {
    return this.#generation
  }

  /** null before the first reading */
  get latest(): Snapshot | null {
    return this.#latest
  }

  /** The latest snapshot if it was requested less than `ms` ago, else a new one. @throws if the database does not answer */
  async noOlderThan(ms: number): Promise<Snapshot> {
    if (this.#latest && performance.now() - this.#readAt < ms) return this.#latest
    return this.refresh()
  }

  /** Reads a new snapshot. Calls that come meanwhile share it. @throws if the database does not answer */
  refresh(): Promise<Snapshot> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  /**
   * How long a server has been silent at the time `at`, in ms, without the time in which the database did not answer: then no
   * server can write a heartbeat. So they are not lost all together when it answers again. `silentMs`: with that time
   */
  silenceOf(silentMs: number, lastSeenAt: string, at: string): number {
    if (this.#outage === null) return silentMs
    const from = Math.max(this.#outage.from, Date.parse(lastSeenAt))
    const until = Math.min(this.#outage.until, Date.parse(at))
    return silentMs - Math.max(0, until - from)
  }

  async #read(): Promise<Snapshot> {
    const startedAt = performance.now()
    try {
      return await this.#readSnapshot(startedAt)
    } catch (error) {
      this.#failingSince ??= startedAt
      throw error
    }
  }

  async #readSnapshot(startedAt: number): Promise<Snapshot> {
    let before = this.#latest?.log ?? []
    let reading = await this.#readBoard(before[0]?.id ?? 0)
    // The newest known row is gone or is another one: numbers went back and are given again.
    if (before[0] && reading.afterAt !== before[0].at) {
      this.#generation += 1
      before = []
      reading = await this.#readBoard(0)
    }
    if (this.#failingSince !== null) {
      const until = Date.parse(reading.at)
      this.#outage = { from: until - (performance.now() - this.#failingSince), until }
      this.#failingSince = null
    }
    const servers = reading.servers.map(server => ({
      ...server,
      silentMs: this.silenceOf(server.silentMs, server.lastSeenAt, reading.at),
    }))
    const alerts = this.#alerts.current
    this.#latest = {
      ...toSnapshot({ ...reading, servers }, [...reading.log, ...before].slice(0, boardLogLength)),
      ...(alerts && { alerts }),
    }
    this.knownServers.note(this.#latest.servers)
    this.#readAt = startedAt
    return this.#latest
  }
}

/** `log`: the rows to show, newest first */
export function toSnapshot(reading: Omit<BoardReading, 'log' | 'afterAt'>, log: LogRow[]): Snapshot {
  const servers = toServerRows(reading.servers, reading.counter)
  const shown = servers.reduce((sum, server) => sum + server.hits, 0)
  return {
    counter: reading.counter,
    at: reading.at,
    servers,
    earlier_hits: reading.totalHits - shown,
    log,
  }
}

/** Maximum known addresses. Addresses are usually reused, so there are few; this limits networks that never reuse one. */
const maxKnown = 1000

/** The servers that this replica has seen, as last seen: a cookie lives longer than the board shows a server that is gone. */
export class KnownServers {
  readonly #bySrvId = new Map<string, ServerRow>()

  note(servers: ServerRow[]): void {
    for (const server of servers) {
      // Insert it again at the end: the map then starts with the server not seen for longest.
      this.#bySrvId.delete(server.srv_id)
      this.#bySrvId.set(server.srv_id, server)
    }
    for (const srvId of this.#bySrvId.keys()) {
      if (this.#bySrvId.size <= maxKnown) return
      this.#bySrvId.delete(srvId)
    }
  }

  find(srvId: string): ServerRow | null {
    return this.#bySrvId.get(srvId) ?? null
  }
}
