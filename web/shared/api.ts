// What the page and the server agree on. This module has the shape of every answer, each with the guard by which the
// page checks it; guards.ts has what guards are made of, limits.ts the numbers, wording.ts and times.ts the words,
// page-view.ts what one rendering of the page gets. web/app and web/server import from here; this folder imports from
// neither. Times are ISO 8601 in UTC with milliseconds ("2026-11-22T12:04:31.203Z"), by the database's clock. Public
// addresses are shortened.

import {
  isFlag,
  isNumber,
  isText,
  isTime,
  listOf,
  oneOf,
  optional,
  orNull,
  recordOf,
  shapeOf,
} from './guards.ts'
import { type HistoryRange, historyRangeNames } from './limits.ts'

/** new: no cookie. returning: the cookie names this server's address. moved: it names another. */
export const arrivals = ['new', 'returning', 'moved'] as const

export type Arrival = (typeof arrivals)[number]

/**
 * joining: registered, not yet serving. draining: takes no new visitors. lost: no heartbeat for 6 s. stopped: left in
 * good order.
 */
export type ServerState = 'joining' | 'up' | 'draining' | 'lost' | 'stopped'

export type ServerReference = { srv_id: string; name: string | null }

const isServerReference = shapeOf<ServerReference>({ srv_id: isText, name: orNull(isText) })

/** Answer of a page view with `Accept: application/json`. One hit. */
export type VisitAnswer = {
  /** the hit's number: its place on the global counter, and its key in the log */
  hit: number
  srv_id: string
  /** the server's readable name */
  server: string
  /** the visitor's full address */
  client_ip: string
  arrival: Arrival
  /** if moved: the server the visitor came from; its name is null if unknown */
  moved_from: ServerReference | null
  /**
   * Only if it returned to an address that another server had shortly before: that server. A cookie names an address, so it
   * is not known which of the two the visitor had been on.
   */
  maybe_from?: ServerReference
  at: string
}

export const isVisitAnswer = shapeOf<VisitAnswer>({
  hit: isNumber,
  srv_id: isText,
  server: isText,
  client_ip: isText,
  arrival: oneOf(...arrivals),
  moved_from: orNull(isServerReference),
  maybe_from: optional(isServerReference),
  at: isTime,
})

export type LogRow = {
  id: number
  at: string
  client_ip: string
  srv_id: string
  /** the name of the server that answered, at that time */
  server: string
  arrival: Arrival
  moved_from: ServerReference | null
  /** as in a page view's answer */
  maybe_from?: ServerReference
}

const isLogRow = shapeOf<LogRow>({
  id: isNumber,
  at: isTime,
  client_ip: isText,
  srv_id: isText,
  server: isText,
  arrival: oneOf(...arrivals),
  moved_from: orNull(isServerReference),
  maybe_from: optional(isServerReference),
})

/** How an instance of a server ended. killed: without a goodbye. stopped: in good order. */
export type Ending = 'killed' | 'stopped'

/** A server: the instance at its address that is shown, with the totals of the earlier instances with its name. */
export type ServerRow = {
  /** id of this instance of the server */
  id: number
  srv_id: string
  name: string
  /** ip:port */
  address: string
  state: ServerState
  /** of all instances, so a restart does not lower it */
  hits: number
  /** `hits` by arrival. Hits that a server of a release without these fields counted are in none of the three. */
  new_hits: number
  returning_hits: number
  moved_hits: number
  /** transactions that counted `hits` */
  commits: number
  /** of all hits ever counted, 0 to 1 */
  share: number
  /** hits per second over the last seconds */
  rate: number
  started_at: string
  /** when this instance started, if it follows another within a minute; else null */
  restarted_at: string | null
  /** how that earlier instance ended */
  restart: Ending | null
  last_seen_at: string
  /** of recent page views, inside the replica; null if there were none */
  p50_ms: number | null
  p99_ms: number | null
  /** page views that this instance answered with an error */
  errors: number
  /** `errors` by code */
  error_codes: Record<string, number>
  /** connected dashboards */
  streams: number
  memory_bytes: number
}

export const isServerRow = shapeOf<ServerRow>({
  id: isNumber,
  srv_id: isText,
  name: isText,
  address: isText,
  state: oneOf('joining', 'up', 'draining', 'lost', 'stopped'),
  hits: isNumber,
  new_hits: isNumber,
  returning_hits: isNumber,
  moved_hits: isNumber,
  commits: isNumber,
  share: isNumber,
  rate: isNumber,
  started_at: isTime,
  restarted_at: orNull(isTime),
  restart: orNull(oneOf('killed', 'stopped')),
  last_seen_at: isTime,
  p50_ms: orNull(isNumber),
  p99_ms: orNull(isNumber),
  errors: isNumber,
  error_codes: recordOf(isNumber),
  streams: isNumber,
  memory_bytes: isNumber,
})

/** An alert of Prometheus that fires now. */
export type FiringAlert = { name: string; summary: string; since: string }

const isFiringAlert = shapeOf<FiringAlert>({ name: isText, summary: isText, since: isTime })

/** The board at one moment: the hits of `servers` and `earlier_hits` add up to `counter` exactly. */
export type Snapshot = {
  counter: number
  at: string
  servers: ServerRow[]
  /** hits of servers no longer shown */
  earlier_hits: number
  /** newest first, at most `boardLogLength` */
  log: LogRow[]
  /** the alerts that fire, most urgent first, each name once. Missing if not known or without ALERTMANAGER_URL. */
  alerts?: FiringAlert[]
}

export const isSnapshot = shapeOf<Snapshot>({
  counter: isNumber,
  at: isTime,
  servers: listOf(isServerRow),
  earlier_hits: isNumber,
  log: listOf(isLogRow),
  alerts: optional(listOf(isFiringAlert)),
})

/** Whether the counter, the servers' hits and the newest row of the log agree. All are from one read. */
export function agrees({ counter, servers, earlier_hits, log: [newest] }: Snapshot): boolean {
  const sum = servers.reduce((all, { hits }) => all + hits, earlier_hits)
  return sum === counter && (newest === undefined || newest.id === counter)
}

/** Event `change` of `/api/live`, after the first full snapshot: only the new log rows, newest first. */
export type SnapshotChange = Snapshot

/** Event `trouble` of `/api/live`: the replica cannot read the database; the numbers are from the last snapshot. */
export type LiveOutage = { since: string }

export const isLiveOutage = shapeOf<LiveOutage>({ since: isTime })

export type LogPage = {
  /** newest first */
  rows: LogRow[]
  /** pass as `before` to continue; null at the log's end */
  next: number | null
}

export const isLogPage = shapeOf<LogPage>({ rows: listOf(isLogRow), next: orNull(isNumber) })

/** What control can do to a server: `POST /api/servers/NAME/COMMAND`. */
export const controlCommands = ['drain', 'undrain', 'restart', 'kill'] as const

export type ControlCommand = (typeof controlCommands)[number]

/** Answer of a command that the server acknowledged. */
export type ControlAnswer = {
  server: string
  srv_id: string
  command: ControlCommand
  /** the result as a sentence */
  message: string
}

export const isControlAnswer = shapeOf<ControlAnswer>({
  server: isText,
  srv_id: isText,
  command: oneOf(...controlCommands),
  message: isText,
})

const historyEventTypes = ['joined', 'lost', 'back', 'stopped', 'killed', 'draining', 'undrained'] as const

/**
 * joined: it started. lost: no heartbeat for 6 s. back: a lost instance went on. stopped: it ended in good order. killed: control
 * killed it, or it crashed and another instance started at its address before it counted as lost. The time of `lost` and `killed`
 * is that of its last heartbeat. draining, undrained: control began and ended its drain.
 */
export type HistoryEvent = {
  type: (typeof historyEventTypes)[number]
  /** what caused it: a command of a person, or nothing that is known */
  by: 'control' | null
  /** id of the server's instance */
  id: number
  srv_id: string
  name: string
  at: string
}

/** Unexpected absences of a server: how often and how long in total. Measured by heartbeats, so exact to 2 s. */
export type HistoryDown = { srv_id: string; name: string; times: number; ms: number }

export type History = {
  range: HistoryRange
  /** when it was read */
  at: string
  /** length of a bucket in seconds */
  bucket_seconds: number
  /** starts of the buckets, oldest first */
  times: string[]
  /** hits per bucket: one number for each of `times` */
  servers: { id: number; srv_id: string; name: string; hits: number[] }[]
  /** since the first bucket, newest first, at most 200 */
  events: HistoryEvent[]
  /** since the first bucket, longest first */
  downs: HistoryDown[]
}

export const isHistory = shapeOf<History>({
  range: oneOf(...historyRangeNames),
  at: isTime,
  bucket_seconds: isNumber,
  times: listOf(isTime),
  servers: listOf(
    shapeOf<History['servers'][number]>({
      id: isNumber,
      srv_id: isText,
      name: isText,
      hits: listOf(isNumber),
    }),
  ),
  events: listOf(
    shapeOf<History['events'][number]>({
      type: oneOf(...historyEventTypes),
      by: orNull(oneOf('control')),
      id: isNumber,
      srv_id: isText,
      name: isText,
      at: isTime,
    }),
  ),
  downs: listOf(
    shapeOf<History['downs'][number]>({ srv_id: isText, name: isText, times: isNumber, ms: isNumber }),
  ),
})

/** Policies of the lab, as NGINX has them (nginx/conf/lab.conf.template). */
export const labPolicies = ['round_robin', 'least_conn', 'random_two', 'ip_hash', 'hash'] as const

/** Answer of `GET /lab/visit`. Never a hit. */
export type LabVisit = {
  /** the server's readable name */
  server: string
  srv_id: string
  policy: (typeof labPolicies)[number]
  /** ms that the server held the answer on purpose */
  waited_ms: number
}

export const isLabVisit = shapeOf<LabVisit>({
  server: isText,
  srv_id: isText,
  policy: oneOf(...labPolicies),
  waited_ms: isNumber,
})

export type Audit = {
  counter: number
  /** highest id in the log; 0 if it is empty */
  max_id: number
  /** rows in the log */
  rows: number
  /** rows removed by retention */
  purged: number
  /** hits of all servers ever */
  sum_hits: number
  consistent: boolean
}

export const isAudit = shapeOf<Audit>({
  counter: isNumber,
  max_id: isNumber,
  rows: isNumber,
  purged: isNumber,
  sum_hits: isNumber,
  consistent: isFlag,
})

export type ErrorAnswer = { error: { code: string; message: string } }

export const isErrorAnswer = shapeOf<ErrorAnswer>({
  error: shapeOf<ErrorAnswer['error']>({ code: isText, message: isText }),
})
