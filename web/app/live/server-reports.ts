// What happened to the servers between two snapshots: a report for each change of a server, with when it began and what the
// totals were then. board-events.ts makes events of the reports. All times are by the database's clock, as the snapshots have
// them: the browser's clock plays no part.

import type { ServerRow, Snapshot } from '../../shared/api.ts'
import { heartbeatSeconds, lostAfterSeconds, silentAfterSeconds } from '../../shared/limits.ts'
import { isServing, type ShownState, shownState } from '../../shared/shown-state.ts'

/** Most urgent first: of several events in one snapshot, the first is shown in full. */
export const kinds = [
  'database away',
  'unreachable',
  'unequal',
  'no servers',
  'lost',
  'killed',
  'silent',
  'unheard',
  'all draining',
  'stopped',
  'draining',
  'database back',
  'reachable',
  'killed and back',
  'restarted',
  'back',
  'undrained',
  'joined',
  'heard',
  'equal',
] as const

/**
 * killed: it ended without a goodbye, and starts again. unheard: no server's heartbeats get through, yet one of them answers
 * this page. unreachable: this page reaches no server. unequal: the counter, the servers' hits and the log do not agree.
 */
export type EventKind = (typeof kinds)[number]

export type EventServer = { srv_id: string; name: string }

/** What it cost: visits that another server answered than their cookie named, and page views answered with an error. */
export type Cost = { moved: number; failed: number }

/** When something began, and the totals then: null = not known. */
export type Start = { since: string | null; base: Cost | null }

export const unknownStart: Start = { since: null, base: null }

/** What is known of one address. */
type Seen = Pick<ServerRow, 'id' | 'name' | 'moved_hits' | 'errors' | 'last_seen_at'> & {
  state: ShownState
  /** while it lasts */
  silence: Start | null
  drain: Start | null
  /** what to report when it is up */
  starting: (Start & { kind: 'killed and back' | 'restarted' | 'joined' }) | null
}

/** What is known of all servers. */
export type FollowedServers = {
  /** time of the last snapshot */
  at: string
  /** the snapshot before is so much older that this page does not know what happened between them, and when */
  afterPause: boolean
  /** by srv_id */
  seen: Record<string, Seen>
  /** of all snapshots so far */
  totals: Cost
  /** the totals of the last seconds, oldest first */
  pastTotals: { at: number; totals: Cost }[]
  /** ms: until then silence may be the outage's */
  settlesAt: number
}

/**
 * ms. A page that gets no snapshot for longer, for example in a hidden tab, does not know when something began or ended meanwhile,
 * and what it cost. A shorter pause is a quick change of tabs, or a stream that opens again.
 */
const longestPauseMs = 10_000
/** ms. A server that was absent for longer showed as silent, and then as lost, to a page that was open. */
const longestAbsenceMs = 10_000
/** ms. Totals are kept this long: longer than a server is silent before that shows. */
const totalsKeptMs = 30_000
/** ms. Totals from longer before are not the totals at that time. */
const nearMs = 5_000
export const heartbeatMs = heartbeatSeconds * 1000
export const silentMs = silentAfterSeconds * 1000
const lostMs = lostAfterSeconds * 1000
/** ms. A restart longer ago is no news for a page that is just opened. */
const newsMs = 60_000

export type Report = Start & {
  kind: EventKind
  server: EventServer | null
  at: string | null
  tookMs: number | null
}

export function reportOf(kind: EventKind, at: string | null, server: EventServer | null = null): Report {
  return { kind, server, at, since: at, base: null, tookMs: null }
}

/** For a page that is just opened. */
export function startServers({ at, servers }: Snapshot): FollowedServers {
  const seen = Object.fromEntries(newestRows(servers).map(row => [row.srv_id, firstSeen(row, at)]))
  const totals = { moved: 0, failed: 0 }
  return { at, afterPause: false, seen, totals, pastTotals: [{ at: Date.parse(at), totals }], settlesAt: 0 }
}

/** The time and the totals of a new snapshot. `followServers` then compares its servers with those before. */
export function withTotals(before: FollowedServers, { at, servers }: Snapshot): FollowedServers {
  const now = Date.parse(at)
  const totals = addCosts(before, servers)
  const isSetBack = now < Date.parse(before.at)
  const afterPause = now - Date.parse(before.at) > longestPauseMs
  const past = isSetBack ? [] : before.pastTotals.filter(past => past.at > now - totalsKeptMs)
  // A time by the clock before would hold for as long as the clock was set back.
  const settlesAt = isSetBack ? 0 : before.settlesAt
  return { ...before, at, afterPause, totals, pastTotals: [...past, { at: now, totals }], settlesAt }
}

/** Of several instances at an address the newest one. */
function newestRows(servers: ServerRow[]): ServerRow[] {
  return servers.filter(row => !servers.some(other => other.srv_id === row.srv_id && other.id > row.id))
}

function firstSeen(row: ServerRow, at: string): Seen {
  const state = shownState(row, at)
  return {
    ...figuresOf(row),
    state,
    silence: state === 'silent' || state === 'lost' ? { since: row.last_seen_at, base: null } : null,
    drain: state === 'draining' ? unknownStart : null,
    starting: state === 'joining' ? { ...startingOf(row), ...unknownStart } : null,
  }
}

/** What is known of a server after a pause: what had begun may have ended, and begun again, before this snapshot. */
function withoutStarts({ silence, drain, starting, ...server }: Seen): Seen {
  return {
    ...server,
    silence: silence && unknownStart,
    drain: drain && unknownStart,
    starting: starting && { ...starting, ...unknownStart },
  }
}

function figuresOf({ id, name, moved_hits, errors, last_seen_at }: ServerRow) {
  return { id, name, moved_hits, errors, last_seen_at }
}

function startingOf({ restart, restarted_at }: ServerRow): Pick<NonNullable<Seen['starting']>, 'kind'> {
  if (restart === 'killed') return { kind: 'killed and back' }
  return { kind: restarted_at === null ? 'joined' : 'restarted' }
}

/** What a page that is just opened knows to have happened, from its only snapshot. */
export function firstReports({ at, servers }: Snapshot): Report[] {
  const rows = newestRows(servers)
  const serving = rows.filter(row => isServing(shownState(row, at)))
  const allDrain = serving.length > 0 && serving.every(({ state }) => state === 'draining')
  // The server that read this snapshot runs: if it is silent, too, the database takes no heartbeats.
  const isHeard = serving.length > 0
  const reports = rows.flatMap((row): Report[] => {
    const state = shownState(row, at)
    if (state === 'draining')
      return [{ ...reportOf(allDrain ? 'all draining' : 'draining', null, row), since: null }]
    if (isHeard && (state === 'silent' || state === 'lost')) {
      const since = row.last_seen_at
      return [{ ...reportOf(state, addMs(since, state === 'lost' ? lostMs : silentMs), row), since }]
    }
    const { restarted_at } = row
    if (restarted_at === null || Date.parse(at) - Date.parse(restarted_at) > newsMs) return []
    const { kind } = startingOf(row)
    const isUp = state === 'up'
    if (!isUp && kind !== 'killed and back') return []
    return [{ ...reportOf(isUp ? kind : 'killed', restarted_at, row), since: null }]
  })
  if (rows.every(({ state }) => state === 'stopped')) reports.push(reportOf('no servers', null))
  return reports
}

/** Adds what the servers report more than in the last snapshot. A new instance starts its errors at 0. */
function addCosts({ totals, seen }: FollowedServers, servers: ServerRow[]): Cost {
  let { moved, failed } = totals
  for (const row of newestRows(servers)) {
    const known = seen[row.srv_id]
    if (!known) continue
    moved += Math.max(0, row.moved_hits - known.moved_hits)
    failed += known.id === row.id ? Math.max(0, row.errors - known.errors) : row.errors
  }
  return { moved, failed }
}

/** null if unknown, or if the database's clock was set meanwhile */
export function msSince({ since }: { since: string | null }, now: number): number | null {
  const ms = since === null ? -1 : now - Date.parse(since)
  return ms < 0 ? null : ms
}

/** Notes the servers of a new snapshot, and adds what happened to them to `reports`. @returns whether all are silent or lost */
export function followServers(log: FollowedServers, snapshot: Snapshot, reports: Report[]): boolean {
  const now = Date.parse(snapshot.at)
  const rows = newestRows(snapshot.servers)
  const stateOf = (row: ServerRow) => shownState(row, snapshot.at)
  const silentRows = rows.filter(row => !isServing(stateOf(row)) && row.state !== 'stopped')
  const noneServes = silentRows.length > 0 && !rows.some(row => isServing(stateOf(row)))
  const allDrain = rows.every(row => stateOf(row) === 'draining' || !isServing(stateOf(row)))
  const seen: FollowedServers['seen'] = {}
  for (const row of rows) {
    const known = log.seen[row.srv_id]
    const before = known && log.afterPause ? withoutStarts(known) : known
    const isOutage = now < log.settlesAt && Date.parse(row.last_seen_at) < log.settlesAt - silentMs
    const held = before && isServing(before.state) && silentRows.includes(row) && (noneServes || isOutage)
    if (held && before.id === row.id) {
      seen[row.srv_id] = { ...before, ...figuresOf(row) }
      continue
    }
    const [next, report] = before ? followServer(log, before, row, now) : followNew(log, row, snapshot.at)
    seen[row.srv_id] = next
    if (report?.kind === 'draining' && allDrain) reports.push({ ...report, kind: 'all draining' })
    else if (report) reports.push(report)
  }
  const isLeft = (servers: (ServerRow | Seen)[]) => servers.some(({ state }) => state !== 'stopped')
  if (!isLeft(rows) && isLeft(Object.values(log.seen))) reports.push(reportOf('no servers', snapshot.at))
  log.seen = seen
  return noneServes
}

function followNew(log: FollowedServers, row: ServerRow, at: string): [Seen, Report | null] {
  const seen = firstSeen(row, at)
  const { kind } = startingOf(row)
  if (seen.state !== 'up') return [seen, null]
  const since = row.restarted_at ?? row.started_at
  return [seen, { ...reportOf(kind, at, row), since, base: baseAt(log, since) }]
}

/** A server's next state, and what there is to report. */
function followServer(
  log: FollowedServers,
  before: Seen,
  row: ServerRow,
  now: number,
): [Seen, Report | null] {
  const at = new Date(now).toISOString()
  const state = shownState(row, at)
  const next: Seen = { ...before, ...figuresOf(row), state }
  const report = (kind: EventKind, start: Start, tookMs: number | null = null): [Seen, Report] => [
    next,
    { ...reportOf(kind, at, row), ...start, tookMs },
  ]
  if (row.id !== before.id) {
    const start = before.silence ?? lastHeartbeat(log, before, row)
    const starting = { ...start, kind: row.restart === 'killed' ? 'killed and back' : 'restarted' } as const
    Object.assign(next, { silence: null, drain: null, starting })
    if (isServing(state) && state !== 'joining') {
      next.starting = null
      return report(starting.kind, start, msSince(start, now))
    }
    return starting.kind === 'killed and back' ? report('killed', start) : [next, null]
  }
  if (state === before.state) return [next, null]
  const startsNow = log.afterPause ? unknownStart : { since: at, base: log.totals }
  if (state === 'stopped') return report('stopped', startsNow)
  if (state === 'silent' || state === 'lost') {
    next.silence ??= { since: row.last_seen_at, base: baseAt(log, row.last_seen_at) }
    return report(state, next.silence)
  }
  if (before.silence) {
    next.silence = null
    return report('back', before.silence, msSince(before.silence, Date.parse(row.last_seen_at)))
  }
  if (before.starting && state !== 'joining') {
    next.starting = null
    return report(before.starting.kind, before.starting, msSince(before.starting, now))
  }
  if (state === 'draining') {
    next.drain = startsNow
    return report('draining', next.drain)
  }
  if (before.drain && state === 'up') {
    next.drain = null
    return report('undrained', before.drain, msSince(before.drain, now))
  }
  return [next, null]
}

/** When the instance before a restart sent its last heartbeat; unknown to a page that did not follow the board meanwhile. */
function lastHeartbeat(log: FollowedServers, { last_seen_at }: Seen, { started_at }: ServerRow): Start {
  const absentMs = Date.parse(started_at) - Date.parse(last_seen_at)
  if (log.afterPause || absentMs < 0 || absentMs > longestAbsenceMs) return unknownStart
  return { since: last_seen_at, base: baseAt(log, last_seen_at) }
}

function addMs(iso: string, ms: number): string {
  return new Date(Date.parse(iso) + ms).toISOString()
}

/** The totals at a time; null if this page did not follow the board then. */
export function baseAt({ pastTotals }: FollowedServers, iso: string): Cost | null {
  const at = Date.parse(iso)
  const past = pastTotals.findLast(one => one.at <= at)
  if (past) return at - past.at <= nearMs ? past.totals : null
  // Opened within a heartbeat of it: nothing had shown yet.
  const [first] = pastTotals
  return first && first.at - at <= heartbeatMs + 500 ? first.totals : null
}
