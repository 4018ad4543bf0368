// What the picture knows beyond one snapshot: the visits since the one before, and those of the last seconds. It is
// computed from the snapshots alone, so it is exact, and changes together with all other figures. In the HTML there is only
// one snapshot: then the newest rows of its log are counted.

import type { Arrival, LogRow, ServerRow, Snapshot } from '../../shared/api.ts'
import { boardLogLength, rateSeconds } from '../../shared/limits.ts'
import { longestGapMs, type Minute, startMinute, timeOf, withHits, withRows } from './minute.ts'

/** Hits by arrival. `all` can be more than their sum: older hits have no arrival in a server's row. */
export type Counts = Record<Arrival, number> & { all: number; commits: number }

/** What came between two snapshots. */
export type Step = {
  /** by srv_id; only servers with hits */
  servers: ReadonlyMap<string, Counts>
  /** the log's rows of these hits, oldest first; null if the log is too short for all of them */
  rows: LogRow[] | null
  ms: number
}

export type Flow = {
  snapshot: Snapshot
  step: Step
  /** sums since the page opened, oldest first: of the last minute, and one older */
  past: { at: number; sums: Counts }[]
  minute: Minute
  /** times in ms of the moved visits in the log of the first snapshot */
  movedBefore: number[]
}

const minuteMs = 60_000
/** of the visitors' rates and percentages: as long as that of a server's rate, so that they agree */
const windowMs = rateSeconds * 1000

const none: Counts = { new: 0, returning: 0, moved: 0, all: 0, commits: 0 }

export function startFlow(snapshot: Snapshot): Flow {
  const at = timeOf(snapshot)
  return {
    snapshot,
    step: { servers: new Map(), rows: [], ms: 0 },
    past: [{ at, sums: none }],
    minute: startMinute(snapshot.log, !isFull(snapshot.log), at),
    movedBefore: snapshot.log.filter(({ arrival }) => arrival === 'moved').map(timeOf),
  }
}

/**
 * Starts over if the database's clock or its counter was set back, and after a minute without a snapshot, for example in a hidden
 * tab: nothing before is of the last minute.
 */
export function withNext(flow: Flow, snapshot: Snapshot): Flow {
  const [before, at] = [timeOf(flow.snapshot), timeOf(snapshot)]
  const isSetBack = snapshot.counter < flow.snapshot.counter || at < before
  if (isSetBack || at - before >= minuteMs) return startFlow(snapshot)
  const step = stepBetween(flow.snapshot, snapshot)
  const sums = [...step.servers.values()].reduce((a, b) => combine(a, b, 1), flow.past.at(-1)?.sums ?? none)
  const older = flow.past.findLastIndex(sample => sample.at <= at - minuteMs)
  const past = [...flow.past.slice(Math.max(0, older)), { at, sums }]
  const minute = step.rows
    ? withRows(flow.minute, step.rows, at)
    : withHits(flow.minute, step.servers, before, at)
  return { ...flow, snapshot, step, past, minute }
}

export function stepBetween(before: Snapshot, after: Snapshot): Step {
  const ms = timeOf(after) - timeOf(before)
  const total = after.counter - before.counter
  const fresh = after.log.filter(({ id }) => id > before.counter).reverse()
  if (fresh.length === total) return { servers: countRows(fresh), rows: fresh, ms }
  const [known, now] = [countsBySrvId(before.servers), countsBySrvId(after.servers)]
  const servers = new Map<string, Counts>()
  let rest = total
  const add = (srvId: string, counts: Counts) => {
    if (counts.all > 0) servers.set(srvId, counts)
    rest -= counts.all
  }
  for (const [srvId, counts] of now) {
    const earlier = known.get(srvId)
    if (earlier) add(srvId, combine(counts, earlier, -1))
  }
  // A server that was not shown before may have come back with older hits.
  for (const [srvId, counts] of now) if (!known.has(srvId) && counts.all <= rest) add(srvId, counts)
  return { servers, rows: null, ms }
}

/** Two instances that claim one address are one server here. */
function countsBySrvId(servers: ServerRow[]): Map<string, Counts> {
  const counts = new Map<string, Counts>()
  for (const { srv_id, new_hits, returning_hits, moved_hits, hits, commits } of servers) {
    const own = { new: new_hits, returning: returning_hits, moved: moved_hits, all: hits, commits }
    counts.set(srv_id, combine(counts.get(srv_id) ?? none, own, 1))
  }
  return counts
}

/** a + b, or a − b, never below 0 */
function combine(a: Counts, b: Counts, sign: 1 | -1): Counts {
  const of = (key: keyof Counts) => Math.max(0, a[key] + sign * b[key])
  return {
    new: of('new'),
    returning: of('returning'),
    moved: of('moved'),
    all: of('all'),
    commits: of('commits'),
  }
}

/** By srv_id. */
function countRows(rows: LogRow[]): Map<string, Counts> {
  const servers = new Map<string, Counts>()
  for (const { srv_id, arrival } of rows) {
    const counts = servers.get(srv_id) ?? none
    servers.set(srv_id, { ...counts, [arrival]: counts[arrival] + 1, all: counts.all + 1 })
  }
  for (const { srv_id } of commitsOf(rows)) {
    const counts = servers.get(srv_id)
    if (counts) servers.set(srv_id, { ...counts, commits: counts.commits + 1 })
  }
  return servers
}

/** One transaction. `last`: the number of the last of its rows in the given order. */
export type Commit = { last: number; srv_id: string; hits: number }

/** The commits that wrote these rows, in their order: all rows of one commit have the same server and time. */
export function commitsOf(rows: LogRow[]): Commit[] {
  const commits = new Map<string, Commit>()
  for (const { id, srv_id, at } of rows) {
    const key = `${srv_id} ${at}`
    const commit = commits.get(key)
    commits.set(key, { last: id, srv_id, hits: (commit?.hits ?? 0) + 1 })
  }
  return [...commits.values()]
}

/** The last commits in the log that are surely whole, newest first: a full log may have only a part of its oldest. */
export function wholeCommits(log: LogRow[], max: number): Commit[] {
  const commits = commitsOf(log)
  return (isFull(log) ? commits.slice(0, -1) : commits).slice(0, max)
}

function isFull(log: LogRow[]): boolean {
  return log.length >= boardLogLength
}

/** The newest sums that are at least this old. If the page got no snapshots around that time: the first sums after it. */
function sumsBefore({ snapshot, past }: Flow, ageMs: number): Flow['past'][number] | undefined {
  const time = timeOf(snapshot) - ageMs
  const place = past.findLastIndex(({ at }) => at <= time)
  const [before, after] = [past[place], past[place + 1]]
  const isInGap = before && after && after.at - before.at > longestGapMs
  return before && !isInGap ? before : after
}

/** What came in at least the last `ageMs`; null if the page got no snapshots at their start. */
function since(flow: Flow, ageMs: number): { counts: Counts; ms: number } | null {
  const [before, last] = [sumsBefore(flow, ageMs), flow.past.at(-1)]
  const ms = before ? timeOf(flow.snapshot) - before.at : 0
  return before && last && ms >= ageMs ? { counts: combine(last.sums, before.sums, -1), ms } : null
}

/** How many visits had a cookie and how many had none. `over`: the seconds, or the number of newest visits, counted. */
export type Visitors = { cookie: number; none: number; over: { seconds: number } | { visits: number } }

/** Those of the last six seconds if the log is too short for them, else those in the log. Both are exact counts. */
export function recentVisitors(flow: Flow): Visitors {
  const recent = since(flow, windowMs)
  if (recent && recent.counts.all >= boardLogLength) {
    const { counts, ms } = recent
    const over = { seconds: Math.floor(ms / 1000) }
    return { cookie: counts.returning + counts.moved, none: counts.new, over }
  }
  const { log } = flow.snapshot
  const strangers = log.filter(({ arrival }) => arrival === 'new').length
  return { cookie: log.length - strangers, none: strangers, over: { visits: log.length } }
}

/** Percentages that add up to 100; null without visits. */
export function percentagesOf({ cookie, none }: Visitors): { cookie: number; none: number } | null {
  if (cookie + none === 0) return null
  const rounded = Math.round((100 * cookie) / (cookie + none))
  return { cookie: rounded, none: 100 - rounded }
}

/** Visits a second over the last six seconds. */
export function visitorRates(flow: Flow): { cookie: number; none: number } {
  const { log, servers } = flow.snapshot
  const first = timeOf(flow.snapshot) - windowMs
  const oldest = log.at(-1)
  if (!isFull(log) || (oldest && timeOf(oldest) < first)) {
    const recent = log.filter(row => timeOf(row) >= first)
    const strangers = recent.filter(({ arrival }) => arrival === 'new').length
    return perSecond({ cookie: recent.length - strangers, none: strangers }, windowMs)
  }
  const recent = since(flow, windowMs)
  if (recent) {
    const { counts, ms } = recent
    return perSecond({ cookie: counts.returning + counts.moved, none: counts.new }, ms)
  }
  // Under load, with no snapshot of six seconds ago: what the servers report, divided as the newest visits are.
  const { cookie, none } = recentVisitors(flow)
  const rate = servers.reduce((sum, server) => sum + server.rate, 0) / (cookie + none)
  return { cookie: cookie * rate, none: none * rate }
}

function perSecond({ cookie, none }: { cookie: number; none: number }, ms: number) {
  return { cookie: (cookie * 1000) / ms, none: (none * 1000) / ms }
}

/**
 * Visits that NGINX moved in the last minute. Those before the page opened are counted if they are in its first log; those of a gap
 * between two snapshots, while all of it is in the last minute.
 */
export function movedLastMinute(flow: Flow): number {
  const { snapshot, past, movedBefore } = flow
  const first = timeOf(snapshot) - minuteMs
  const counted = (past.at(-1)?.sums.moved ?? 0) - (sumsBefore(flow, minuteMs)?.sums.moved ?? 0)
  return counted + movedBefore.filter(at => at > first).length
}
