// What mattered last on the board, from the differences between snapshots: a pure reducer. live-board.ts calls it with every
// snapshot and outage, also with those that are never rendered; events/event-line.tsx shows the last event. All times are by
// the database's clock, as the snapshots have them: the browser's clock plays no part.

import { agrees, type LiveOutage, type ServerRow, type Snapshot } from '../../shared/api.ts'
import { heartbeatSeconds, lostAfterSeconds, silentAfterSeconds } from '../../shared/limits.ts'
import { isServing, type ShownState, shownState } from '../../shared/shown-state.ts'

/** Most urgent first: of several events in one snapshot, the first is shown in full. */
const kinds = [
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

/** Kinds that say that something is over. */
const endings: ReadonlySet<EventKind> = new Set(['stopped', ...kinds.slice(kinds.indexOf('database back'))])

export type EventServer = { srv_id: string; name: string }

/** What it cost: visits that another server answered than their cookie named, and page views answered with an error. */
type Cost = { moved: number; failed: number }

export type BoardEvent = {
  kind: EventKind
  /** the servers that it happened to; of one event of the whole board none */
  servers: EventServer[]
  /** when it began, for example the last heartbeat; null = before this page knew */
  since: string | null
  /** when it showed; null = before this page knew */
  at: string | null
  /** how long it lasted; null while it lasts, or if that is not known */
  tookMs: number | null
  /** names of the servers that now take new visitors */
  heirs: string[]
  /** since `since`; null = not known, as the page did not see it begin */
  cost: Cost | null
  /** the cost grows no more */
  settled: boolean
  /** what else happened within moments, less urgent */
  also: Pick<BoardEvent, 'kind' | 'servers'>[]
}

/** When something began, and the totals then: null = not known. */
type Start = { since: string | null; base: Cost | null }

/** What is known of one address. */
type Seen = Pick<ServerRow, 'id' | 'name' | 'moved_hits' | 'errors' | 'last_seen_at'> & {
  state: ShownState
  /** its silence, while it lasts */
  trouble: Start | null
  drain: Start | null
  /** what to report when it is up */
  starting: (Start & { kind: 'killed and back' | 'restarted' | 'joined' }) | null
}

export type EventLog = {
  /** null = nothing since the page was opened */
  last: BoardEvent | null
  /** the totals when `last` began */
  base: Cost | null
  /** time of the last snapshot */
  at: string
  /** by srv_id */
  seen: Record<string, Seen>
  /** of all snapshots so far */
  totals: Cost
  /** the totals of the last seconds, oldest first */
  marks: { at: number; totals: Cost }[]
  outage: Start | null
  /** what was last before this page reached no server */
  beforeSilence: Pick<EventLog, 'last' | 'base'> | null
  /** ms: until then silence may be the outage's */
  settlesAt: number
  /** ms: since when no server's heartbeats get through; null = they do */
  unheardSince: number | null
  agrees: boolean
  /** servers restarted one after the other since its start, and when the last one was */
  rolled: Start & { at: number; servers: EventServer[] }
}

const noCost: Cost = { moved: 0, failed: 0 }

/** ms. Events of one kind within this time are one event. */
const sameEventMs = 10_000
/** ms. A less urgent event within this time is added to the one before. */
const briefMs = 3_000
/** ms. Restarts that follow each other within this time are one update of all servers. */
const rollMs = 60_000
/** ms. After the end of an event its cost still grows: visitors come later, and errors are reported with a heartbeat. */
const settleMs = 10_000
/** ms. A server that was absent for longer showed as silent, and then as lost, to a page that was open. */
const longestAbsenceMs = 10_000
/** ms. Totals are kept this long: longer than a server is silent before that shows. */
const marksMs = 30_000
/** ms. Totals from longer before are not the totals at that time. */
const nearMs = 5_000
const heartbeatMs = heartbeatSeconds * 1000
const silentMs = silentAfterSeconds * 1000
const lostMs = lostAfterSeconds * 1000
/** ms. A restart longer ago is no news for a page that is just opened. */
const newsMs = 60_000

/** For a page that is just opened: what its snapshot alone says. */
export function startEvents(snapshot: Snapshot): EventLog {
  const now = Date.parse(snapshot.at)
  const empty: EventLog = {
    last: null,
    base: null,
    at: snapshot.at,
    seen: {},
    totals: noCost,
    marks: [{ at: now, totals: noCost }],
    outage: null,
    beforeSilence: null,
    settlesAt: 0,
    unheardSince: null,
    agrees: agrees(snapshot),
    rolled: { at: 0, since: null, base: null, servers: [] },
  }
  const rows = newestRows(snapshot.servers)
  const seen = Object.fromEntries(rows.map(row => [row.srv_id, firstSeen(row, snapshot.at)]))
  return reported({ ...empty, seen }, snapshot, firstReports(rows, snapshot, empty.agrees))
}

/** The log with a new snapshot. */
export function withEvents(before: EventLog, snapshot: Snapshot): EventLog {
  const now = Date.parse(snapshot.at)
  const totals = addCosts(before, snapshot.servers)
  const setBack = now < Date.parse(before.at)
  const marks = [
    ...(setBack ? [] : before.marks.filter(mark => mark.at > now - marksMs)),
    { at: now, totals },
  ]
  // A time by the clock before would hold for as long as the clock was set back.
  const log = { ...before, at: snapshot.at, totals, marks, ...(setBack && { settlesAt: 0 }) }
  const reports: Report[] = []
  followOutage(log, snapshot, reports)
  followServers(log, snapshot, reports)
  if (agrees(snapshot) !== log.agrees) {
    log.agrees = agrees(snapshot)
    reports.push(reportOf(log.agrees ? 'equal' : 'unequal', snapshot.at))
  }
  return reported(log, snapshot, reports)
}

/** The log once the database does not answer. */
export function withEventsOfOutage(log: EventLog, { since }: LiveOutage, snapshot: Snapshot): EventLog {
  if (log.outage) {
    // A server answers again, and the database still does not.
    const { last, beforeSilence } = log
    return last?.kind === 'unreachable' && beforeSilence ? { ...log, ...beforeSilence } : log
  }
  const start = { since, base: log.totals }
  const report = { ...reportOf('database away', since), ...start }
  return reported({ ...log, outage: start }, snapshot, [report])
}

/** The log once this page reaches no server. */
export function withEventsOfSilence(log: EventLog, snapshot: Snapshot): EventLog {
  const since = snapshot.at
  const beforeSilence = { last: log.last, base: log.base }
  return reported({ ...log, beforeSilence }, snapshot, [
    { ...reportOf('unreachable', since), since, base: log.totals },
  ])
}

type Report = Start & {
  kind: EventKind
  server: EventServer | null
  at: string | null
  tookMs: number | null
}

function reportOf(kind: EventKind, at: string | null, server: EventServer | null = null): Report {
  return { kind, server, at, since: at, base: null, tookMs: null }
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
    trouble: state === 'silent' || state === 'lost' ? { since: row.last_seen_at, base: null } : null,
    drain: state === 'draining' ? { since: null, base: null } : null,
    starting: state === 'joining' ? { ...startingOf(row), since: null, base: null } : null,
  }
}

function figuresOf({ id, name, moved_hits, errors, last_seen_at }: ServerRow) {
  return { id, name, moved_hits, errors, last_seen_at }
}

function startingOf({ restart, restarted_at }: ServerRow): Pick<NonNullable<Seen['starting']>, 'kind'> {
  if (restart === 'killed') return { kind: 'killed and back' }
  return { kind: restarted_at === null ? 'joined' : 'restarted' }
}

function firstReports(rows: ServerRow[], { at }: Snapshot, isAgreed: boolean): Report[] {
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
  if (!isAgreed) reports.push({ ...reportOf('unequal', null), since: null })
  return reports
}

/** Adds what the servers report more than in the last snapshot. A new instance starts its errors at 0. */
function addCosts({ totals, seen }: EventLog, servers: ServerRow[]): Cost {
  let { moved, failed } = totals
  for (const row of newestRows(servers)) {
    const known = seen[row.srv_id]
    if (!known) continue
    moved += Math.max(0, row.moved_hits - known.moved_hits)
    failed += known.id === row.id ? Math.max(0, row.errors - known.errors) : row.errors
  }
  return { moved, failed }
}

function followOutage(log: EventLog, { at }: Snapshot, reports: Report[]): void {
  const now = Date.parse(at)
  if (log.outage) {
    log.settlesAt = now + silentMs
    reports.push({ ...reportOf('database back', at), ...log.outage, tookMs: msSince(log.outage, now) })
    log.outage = null
  }
  const { last, beforeSilence } = log
  if (last?.kind !== 'unreachable') return
  const tookMs = msSince(last, now)
  if (beforeSilence && tookMs !== null && tookMs < silentMs) Object.assign(log, beforeSilence)
  else reports.push({ ...reportOf('reachable', at), since: last.since, base: log.base, tookMs })
}

/** null if unknown, or if the database's clock was set meanwhile */
function msSince({ since }: { since: string | null }, now: number): number | null {
  const ms = since === null ? -1 : now - Date.parse(since)
  return ms < 0 ? null : ms
}

function followServers(log: EventLog, snapshot: Snapshot, reports: Report[]): void {
  const now = Date.parse(snapshot.at)
  const rows = newestRows(snapshot.servers)
  const stateOf = (row: ServerRow) => shownState(row, snapshot.at)
  const silentRows = rows.filter(row => !isServing(stateOf(row)) && row.state !== 'stopped')
  const noneServes = silentRows.length > 0 && !rows.some(row => isServing(stateOf(row)))
  followHeartbeats(log, snapshot.at, noneServes, reports)
  const allDrain = rows.every(row => stateOf(row) === 'draining' || !isServing(stateOf(row)))
  const seen: EventLog['seen'] = {}
  for (const row of rows) {
    const before = log.seen[row.srv_id]
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
}

/** All servers silent, yet one read this snapshot: their heartbeats do not get through. A moment of that is no news. */
function followHeartbeats(log: EventLog, at: string, noneServes: boolean, reports: Report[]): void {
  const now = Date.parse(at)
  const isReported = log.last?.kind === 'unheard'
  if (!noneServes) {
    if (isReported) reports.push({ ...reportOf('heard', at), tookMs: log.last && msSince(log.last, now) })
    log.unheardSince = null
    return
  }
  log.unheardSince = Math.min(log.unheardSince ?? now, now)
  if (!isReported && now - log.unheardSince >= heartbeatMs)
    reports.push({ ...reportOf('unheard', at), since: new Date(log.unheardSince - silentMs).toISOString() })
}

function followNew(log: EventLog, row: ServerRow, at: string): [Seen, Report | null] {
  const seen = firstSeen(row, at)
  const { kind } = startingOf(row)
  if (seen.state !== 'up') return [seen, null]
  const since = row.restarted_at ?? row.started_at
  return [seen, { ...reportOf(kind, at, row), since, base: baseAt(log, since) }]
}

/** A server's next state, and what there is to report. */
function followServer(log: EventLog, before: Seen, row: ServerRow, now: number): [Seen, Report | null] {
  const at = new Date(now).toISOString()
  const state = shownState(row, at)
  const next: Seen = { ...before, ...figuresOf(row), state }
  const report = (kind: EventKind, start: Start, tookMs: number | null = null): [Seen, Report] => [
    next,
    { ...reportOf(kind, at, row), ...start, tookMs },
  ]
  if (row.id !== before.id) {
    const start = before.trouble ?? lastHeartbeat(log, before, row)
    const starting = { ...start, kind: row.restart === 'killed' ? 'killed and back' : 'restarted' } as const
    Object.assign(next, { trouble: null, drain: null, starting })
    if (isServing(state) && state !== 'joining') {
      next.starting = null
      return report(starting.kind, start, msSince(start, now))
    }
    return starting.kind === 'killed and back' ? report('killed', start) : [next, null]
  }
  if (state === before.state) return [next, null]
  if (state === 'stopped') return report('stopped', { since: at, base: log.totals })
  if (state === 'silent' || state === 'lost') {
    next.trouble ??= { since: row.last_seen_at, base: baseAt(log, row.last_seen_at) }
    return report(state, next.trouble)
  }
  if (before.trouble) {
    next.trouble = null
    return report('back', before.trouble, msSince(before.trouble, Date.parse(row.last_seen_at)))
  }
  if (before.starting && state !== 'joining') {
    next.starting = null
    return report(before.starting.kind, before.starting, msSince(before.starting, now))
  }
  if (state === 'draining') {
    next.drain = { since: at, base: log.totals }
    return report('draining', next.drain)
  }
  if (before.drain && state === 'up') {
    next.drain = null
    return report('undrained', before.drain, msSince(before.drain, now))
  }
  return [next, null]
}

/** When the instance before a restart sent its last heartbeat; unknown to a page that slept meanwhile. */
function lastHeartbeat(log: EventLog, { last_seen_at }: Seen, { started_at }: ServerRow): Start {
  const absentMs = Date.parse(started_at) - Date.parse(last_seen_at)
  if (absentMs < 0 || absentMs > longestAbsenceMs) return { since: null, base: null }
  return { since: last_seen_at, base: baseAt(log, last_seen_at) }
}

function addMs(iso: string, ms: number): string {
  return new Date(Date.parse(iso) + ms).toISOString()
}

/** The totals at a time; null if this page did not follow the board then. */
function baseAt({ marks }: EventLog, iso: string): Cost | null {
  const at = Date.parse(iso)
  const mark = marks.findLast(one => one.at <= at)
  if (mark) return at - mark.at <= nearMs ? mark.totals : null
  // Opened within a heartbeat of it: nothing had shown yet.
  const [first] = marks
  return first && first.at - at <= heartbeatMs + 500 ? first.totals : null
}

/** The log with these reports, all of one snapshot, as the last event; and with the cost until now. */
function reported(log: EventLog, snapshot: Snapshot, reports: Report[]): EventLog {
  const next = { ...log }
  let isFirst = true
  for (const kind of kinds) {
    const [first, ...others] = reports.filter(report => report.kind === kind)
    if (!first) continue
    show(next, eventOf(first, others, snapshot), !isFirst)
    isFirst = false
  }
  if (next.last) next.last = withCost(next, next.last)
  return next
}

type NewEvent = BoardEvent & { base: Cost | null }

/** One event of all reports of one kind. */
function eventOf(first: Report, others: Report[], snapshot: Snapshot): NewEvent {
  const reports = [first, ...others]
  const { since, base } = others.reduce(
    (one, other) => (isEarlier(other.since, one.since) ? other : one),
    first,
  )
  return {
    kind: first.kind,
    at: first.at,
    since,
    base,
    tookMs: longest(reports.map(report => report.tookMs)),
    servers: reports.flatMap(({ server }) => (server ? [{ srv_id: server.srv_id, name: server.name }] : [])),
    heirs: snapshot.servers
      .filter(server => shownState(server, snapshot.at) === 'up')
      .map(({ name }) => name),
    cost: null,
    settled: false,
    also: [],
  }
}

function isEarlier(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && Date.parse(one) < Date.parse(other)
}

function longest(durations: (number | null)[]): number | null {
  const known = durations.filter(ms => ms !== null)
  return known.length > 0 ? Math.max(...known) : null
}

/** Makes it the last event, or a part of the last one. `together`: the last one is of the same snapshot, and more urgent. */
function show(log: EventLog, { base, ...event }: NewEvent, together: boolean): void {
  const { last } = log
  const now = Date.parse(log.at)
  if (event.kind === 'restarted') {
    const { rolled } = log
    const isRoll = now - rolled.at < rollMs && now >= rolled.at
    const first = isRoll ? rolled : { since: event.since, base, servers: [] }
    log.rolled = { ...first, at: now, servers: union(first.servers, event.servers) }
    if (!together) {
      log.last = { ...event, since: first.since, servers: log.rolled.servers }
      log.base = first.base
      return
    }
  }
  const age = last?.at ? now - Date.parse(last.at) : Number.POSITIVE_INFINITY
  if (last && last.kind === event.kind && age >= 0 && age < sameEventMs && event.servers.length > 0) {
    const isFirst = !isEarlier(event.since, last.since)
    log.last = {
      ...event,
      servers: union(last.servers, event.servers),
      since: isFirst ? last.since : event.since,
      tookMs: longest([last.tookMs, event.tookMs]),
      also: last.also,
    }
    log.base = isFirst ? log.base : base
    return
  }
  const isLess = last !== null && kinds.indexOf(event.kind) > kinds.indexOf(last.kind)
  const isBrief = together || (age >= 0 && age < briefMs)
  if (isLess && isBrief && isUnrelated(last, event)) {
    log.last = { ...last, also: [...last.also, { kind: event.kind, servers: event.servers }].slice(-2) }
    return
  }
  log.last = event
  log.base = base
}

/** Neither the next chapter of the same servers, nor the end of what concerns the whole board. */
function isUnrelated(last: BoardEvent, next: BoardEvent): boolean {
  if (last.servers.length === 0) return next.servers.length > 0
  return !next.servers.some(({ srv_id }) => last.servers.some(known => known.srv_id === srv_id))
}

function union(known: EventServer[], more: EventServer[]): EventServer[] {
  return [...known, ...more.filter(({ srv_id }) => !known.some(server => server.srv_id === srv_id))]
}

/** The event with what it cost until now. */
function withCost(log: EventLog, event: BoardEvent): BoardEvent {
  if (event.settled) return event
  if (isSettled(log, event)) return { ...event, settled: true }
  const { base, totals } = log
  if (event.kind === 'database back' && !isReported(log, event.at)) return event
  const cost = base && { moved: totals.moved - base.moved, failed: totals.failed - base.failed }
  return { ...event, cost }
}

/** Whether each server has sent a heartbeat since then, with its errors. */
function isReported({ seen }: EventLog, since: string | null): boolean {
  const serving = Object.values(seen).filter(({ state }) => isServing(state))
  return serving.every(({ last_seen_at }) => !isEarlier(last_seen_at, since))
}

function isSettled(log: EventLog, { kind, at, servers }: BoardEvent): boolean {
  if (endings.has(kind)) return at === null || Math.abs(Date.parse(log.at) - Date.parse(at)) >= settleMs
  return servers.length > 0 && !servers.some(({ srv_id }) => srv_id in log.seen)
}
