// What mattered last on the board, from the differences between snapshots: a pure reducer. live-board.ts calls it with every
// snapshot and outage, also with those that are never rendered; events/event-line.tsx shows the last event. server-reports.ts
// says what happened to each server; this module makes one event of what belongs together, and adds what it cost until now.

import { agrees, type LiveOutage, type Snapshot } from '../../shared/api.ts'
import { isServing, shownState } from '../../shared/shown-state.ts'
import {
  baseAt,
  type Cost,
  type EventKind,
  type EventServer,
  type FollowedServers,
  firstReports,
  followServers,
  heartbeatMs,
  kinds,
  msSince,
  type Report,
  reportOf,
  type Start,
  silentMs,
  startServers,
  unknownStart,
  withTotals,
} from './server-reports.ts'

/** Kinds that say that something is over. */
const endings: ReadonlySet<EventKind> = new Set(['stopped', ...kinds.slice(kinds.indexOf('database back'))])

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

export type EventLog = FollowedServers & {
  /** null = nothing since the page was opened */
  last: BoardEvent | null
  /** the totals when `last` began */
  base: Cost | null
  outage: Start | null
  /** what was last before this page reached no server */
  beforeSilence: Pick<EventLog, 'last' | 'base'> | null
  /** ms: since when no server's heartbeats get through; null = they do */
  unheardSince: number | null
  /** of the last snapshot */
  counter: number
  agrees: boolean
  /** servers restarted one after the other since its start, and when the last one was */
  rolled: Start & { at: number; servers: EventServer[] }
}

/** ms. Events of one kind within this time are one event. */
const sameEventMs = 10_000
/** ms. A less urgent event within this time is added to the one before. */
const briefMs = 3_000
/** ms. Restarts that follow each other within this time are one update of all servers. */
const rollMs = 60_000
/** ms. After the end of an event its cost still grows: visitors come later, and errors are reported with a heartbeat. */
const settleMs = 10_000

/** For a page that is just opened: what its snapshot alone says. */
export function startEvents(snapshot: Snapshot): EventLog {
  const log: EventLog = {
    ...startServers(snapshot),
    last: null,
    base: null,
    outage: null,
    beforeSilence: null,
    unheardSince: null,
    counter: snapshot.counter,
    agrees: agrees(snapshot),
    rolled: { at: 0, since: null, base: null, servers: [] },
  }
  const reports = firstReports(snapshot)
  if (!log.agrees) reports.push({ ...reportOf('unequal', null), since: null })
  return reported(log, snapshot, reports)
}

/** The log with a new snapshot. */
export function withEvents(before: EventLog, snapshot: Snapshot): EventLog {
  const log = { ...before, ...withTotals(before, snapshot) }
  // The totals now include what else happened in the pause. An event that was over had settled, and keeps its cost.
  if (log.afterPause) log.base = null
  const reports: Report[] = []
  followOutage(log, snapshot, reports)
  const noneServes = followServers(log, snapshot, reports)
  followHeartbeats(log, snapshot.at, noneServes, reports)
  if (agrees(snapshot) !== log.agrees) {
    log.agrees = agrees(snapshot)
    reports.push(reportOf(log.agrees ? 'equal' : 'unequal', snapshot.at))
  }
  return reported(log, snapshot, reports)
}

/** The log once the database does not answer. */
export function withEventsOfOutage(log: EventLog, { since }: LiveOutage, snapshot: Snapshot): EventLog {
  if (log.outage?.since) {
    // A server answers again, and the database still does not.
    const { last, beforeSilence } = log
    return last?.kind === 'unreachable' && beforeSilence ? { ...log, ...beforeSilence } : log
  }
  const start = { since, base: baseAt(log, since) }
  const report = { ...reportOf('database away', since), ...start }
  return reported({ ...log, outage: start }, snapshot, [report])
}

/** The log once this page does not listen, for example in a hidden tab: the outage may end meanwhile, and another one begin. */
export function withEventsUnwatched(log: EventLog): EventLog {
  return log.outage ? { ...log, outage: unknownStart } : log
}

/** The log once this page reaches no server. */
export function withEventsOfSilence(log: EventLog, snapshot: Snapshot): EventLog {
  const since = snapshot.at
  const beforeSilence = { last: log.last, base: log.base }
  return reported({ ...log, beforeSilence }, snapshot, [
    { ...reportOf('unreachable', since), since, base: log.totals },
  ])
}

function followOutage(log: EventLog, { at, counter }: Snapshot, reports: Report[]): void {
  const now = Date.parse(at)
  if (log.outage) {
    log.settlesAt = now + silentMs
    // Numbers went back: the database was restored, or is another one. So visits are gone, and what it cost is not known.
    const start = counter < log.counter ? { ...log.outage, base: null } : log.outage
    reports.push({ ...reportOf('database back', at), ...start, tookMs: msSince(start, now) })
    log.outage = null
  }
  log.counter = counter
  const { last, beforeSilence } = log
  if (last?.kind !== 'unreachable') return
  const tookMs = msSince(last, now)
  if (beforeSilence && tookMs !== null && tookMs < silentMs) Object.assign(log, beforeSilence)
  else reports.push({ ...reportOf('reachable', at), since: last.since, base: log.base, tookMs })
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
