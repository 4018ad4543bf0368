// The shape of every answer, in one place. Times are ISO 8601 in UTC with milliseconds ("2026-11-22T12:04:31.203Z"),
// by the database's clock. Addresses are as the contract shows them: public ones shortened.

/** Why a hit went where it did: no cookie, a cookie that names this server's address, or one that names another. */
export type Arrival = 'new' | 'returning' | 'moved'

/** joining: registered, not yet serving. draining: takes no new visitors. lost: not seen for 6 s. stopped: left in good order. */
export type ServerState = 'joining' | 'up' | 'draining' | 'lost' | 'stopped'

/** What a page view answers to `Accept: application/json`; one hit. */
export type VisitAnswer = {
  /** the hit's number: its place on the global counter, and its key in the log */
  hit: number
  srv_id: string
  /** the server's readable name */
  server: string
  /** the visitor's own address, whole */
  client_ip: string
  arrival: Arrival
  /** the server the visitor came from, when moved; its name is null when it is not known */
  moved_from: ServerReference | null
  /**
   * Only where it returned to an address that another server had a short time before: that one. Whose cookie it was
   * cannot be told, since a cookie names an address.
   */
  maybe_from?: ServerReference
  at: string
}

export type ServerReference = { srv_id: string; name: string | null }

export type LogRow = {
  id: number
  at: string
  client_ip: string
  srv_id: string
  /** the name of the server that answered, in the life that answered */
  server: string
  arrival: Arrival
  moved_from: ServerReference | null
  /** as in a page view's answer */
  maybe_from?: ServerReference
}

export type ServerRow = {
  /** which life of the replica */
  id: number
  srv_id: string
  name: string
  /** ip:port */
  address: string
  state: ServerState
  hits: number
  /** of all hits ever counted, 0 to 1 */
  share: number
  /** hits a second, over the last few seconds */
  rate: number
  started_at: string
  last_seen_at: string
  /** of page views inside the replica lately; null = none */
  p50_ms: number | null
  p99_ms: number | null
  /** page views answered with an error in this life */
  errors: number
  /** the same by code */
  error_codes: Record<string, number>
  /** dashboards connected */
  streams: number
  memory_bytes: number
}

/** The board as of one moment: `servers` and `earlier_hits` add up to `counter` exactly. */
export type Snapshot = {
  counter: number
  at: string
  servers: ServerRow[]
  /** hits of servers no longer shown */
  earlier_hits: number
  /** newest first, 50 at most */
  log: LogRow[]
}

/** What `/api/live` pushes after the first full snapshot (event `change`): the new log rows only, newest first. */
export type SnapshotChange = Snapshot

/** Event `trouble` of `/api/live`: the replica cannot read the database; figures are as of the last snapshot. */
export type LiveTrouble = { since: string }

export type LogPage = {
  /** newest first */
  rows: LogRow[]
  /** pass as `before` to go on; null = the log's end */
  next: number | null
}

export type HistoryRange = '5m' | '1h' | '24h'

/** joined, left in good order: when its row says so. lost: its last sign. */
export type HistoryEvent = {
  kind: 'joined' | 'lost' | 'left'
  /** which life of the replica */
  id: number
  srv_id: string
  name: string
  at: string
}

/** A server that was gone unasked: how often, and how long in all, by its signs of life, one every 2 s. */
export type HistoryDown = { srv_id: string; name: string; times: number; ms: number }

export type History = {
  range: HistoryRange
  /** length of a bucket in seconds */
  step: number
  /** starts of the buckets, oldest first */
  times: string[]
  /** hits per bucket, one number a time */
  servers: { id: number; srv_id: string; name: string; hits: number[] }[]
  /** servers that came and went since the first bucket began, newest first, 200 at most */
  events: HistoryEvent[]
  /** since the first bucket began, the longest first */
  downs: HistoryDown[]
}

export type Audit = {
  counter: number
  /** the log's highest id; 0 = empty */
  max_id: number
  /** rows standing in the log */
  rows: number
  /** rows removed by retention */
  purged: number
  /** of all servers that ever were */
  sum_hits: number
  consistent: boolean
}

export type ErrorAnswer = { error: { code: string; message: string } }
