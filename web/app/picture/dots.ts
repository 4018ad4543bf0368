import { type Arrival, arrivals, type LogRow, type Snapshot } from '../../shared/api.ts'
import { type Counts, commitsOf, type Step } from './flow.ts'
import { longestGapMs } from './minute.ts'

/** What decides where NGINX sends a visit: its cookie, or that it has none. */
export type Rule = 'cookie' | 'none'

export function ruleOf(arrival: Arrival): Rule {
  return arrival === 'new' ? 'none' : 'cookie'
}

/** A dot to start. `leavesIn`: ms from now. */
export type VisitLaunch = {
  kind: 'visit'
  srvId: string
  arrival: Arrival
  /** srv_id of the server that a moved visit came from; null if it is not known */
  from: string | null
  leavesIn: number
  /** it is this page's own visit */
  own: boolean
  /** -1 to 1, away from the middle of the line: keeps dots apart that start together */
  offset: number
}

/** A commit to start: `hits` of one server go to the database. */
export type CommitLaunch = { kind: 'commit'; srvId: string; hits: number; leavesIn: number }

export type Launch = VisitLaunch | CommitLaunch

/** For one snapshot. The page shows two snapshots a second: at most 60 dots start in a second. */
const maxDots = 30
const maxCapsules = 10
/** A mark stands for many until this many snapshots in a row need fewer marks. */
const rushSnapshots = 6

type Sampling = {
  /** visits that one dot stands for, or commits that one capsule stands for */
  each: number
  /** marks that each of the last snapshots would have needed, newest first */
  recent: number[]
  /** by key, what did not make a whole mark */
  left: ReadonlyMap<string, number>
}

export const noSampling: Sampling = { each: 1, recent: [], left: new Map() }

/** How many marks each key gets for its count, and the sampling for the next call. Leftovers count then. */
export function sample(
  before: Sampling,
  counts: ReadonlyMap<string, number>,
  max = maxDots,
): [Sampling, Map<string, number>] {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const recent = [total, ...before.recent].slice(0, rushSnapshots)
  const each = roundUp(Math.max(...recent) / max)
  const kept = each === before.each ? before.left : new Map<string, number>()
  const left = new Map(kept)
  const marks = new Map<string, number>()
  for (const [key, count] of counts) {
    const due = count + (kept.get(key) ?? 0)
    if (due >= each) marks.set(key, Math.floor(due / each))
    left.set(key, due % each)
  }
  return [{ each, recent, left }, marks]
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function roundUp(min: number): number {
  for (let power = 1; ; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power >= min) return step * power
  }
}

/** How long a dot travels, in ms: to NGINX, inside it, and to its server. */
export const toNginxMs = 240
export const insideNginxMs = 60
export const toServerMs = 280
export const travelMs = toNginxMs + insideNginxMs + toServerMs
/** The dots of one snapshot start spread over this time, as its hits came in over time. */
const departuresMs = 450

export type Samplings = { visits: Sampling; commits: Sampling }

export const noSamplings: Samplings = { visits: noSampling, commits: noSampling }

/** What starts for the hits of one snapshot. `ownHit`: the number of this page's visit, whose dot has started already. */
export function launchesOf(
  before: Samplings,
  { step, snapshot }: { step: Step; snapshot: Snapshot },
  ownHit: number | null,
  random: () => number,
): [Samplings, Launch[]] {
  const servers = step.ms > longestGapMs ? new Map<string, Counts>() : step.servers
  const [visits, sampled] = sample(before.visits, countsByArrival(servers))
  const dots = withMoved(sampled, servers)
  const commitCounts = new Map([...servers].map(([srvId, counts]) => [srvId, counts.commits]))
  const [commits, capsules] = sample(before.commits, commitCounts, maxCapsules)
  const samplings = { visits, commits }
  if (servers.size === 0) return [samplings, []]
  if (step.rows && visits.each === 1 && commits.each === 1) {
    return [samplings, launchesOfRows(step.rows, ownHit, random)]
  }
  const sizes = new Map([...servers].map(([srvId, counts]) => [srvId, meanCommit(counts)]))
  return [samplings, [...sampledVisits(dots, snapshot, random), ...sampledCommits(capsules, sizes, random)]]
}

function countsByArrival(servers: ReadonlyMap<string, Counts>): Map<string, number> {
  return new Map(
    [...servers].flatMap(([srvId, counts]) =>
      arrivals.map(arrival => [`${arrival} ${srvId}`, counts[arrival]] as const),
    ),
  )
}

/** A moved visit is rare, and the reader looks for it: there is a dot for it even if it does not make a whole one. */
function withMoved(dots: Map<string, number>, servers: ReadonlyMap<string, Counts>): Map<string, number> {
  const moved = [...servers].filter(([srvId, counts]) => counts.moved > 0 && !dots.has(`moved ${srvId}`))
  return new Map([...dots, ...moved.map(([srvId]) => [`moved ${srvId}`, 1] as const)])
}

function meanCommit({ all, commits }: Counts): number {
  return commits > 0 ? Math.max(1, Math.round(all / commits)) : 1
}

/** Each visit, and each commit when the last of its visits has arrived. */
function launchesOfRows(rows: LogRow[], ownHit: number | null, random: () => number): Launch[] {
  const leavesIn = new Map(rows.map(({ id }, place) => [id, (place / rows.length) * departuresMs]))
  const visits = rows
    .filter(({ id }) => id !== ownHit)
    .map(({ id, srv_id, arrival, moved_from }) => ({
      kind: 'visit' as const,
      srvId: srv_id,
      arrival,
      from: moved_from?.srv_id ?? null,
      leavesIn: leavesIn.get(id) ?? 0,
      own: false,
      offset: random() * 2 - 1,
    }))
  const commits = commitsOf(rows).map(({ last, srv_id, hits }) => ({
    kind: 'commit' as const,
    srvId: srv_id,
    hits,
    leavesIn: (leavesIn.get(last) ?? 0) + travelMs,
  }))
  return [...visits, ...commits]
}

/** The dot of this page's own visit. The page has its values as texts, as they are tokens while it renders. */
export function ownLaunch(
  srvId: string,
  { arrival, cookie }: { arrival: string; cookie: string },
): VisitLaunch {
  const from = cookie || null
  return { kind: 'visit', srvId, arrival: arrivalOf(arrival), from, leavesIn: 0, own: true, offset: 0 }
}

function arrivalOf(text: string): Arrival {
  return arrivals.find(arrival => arrival === text) ?? 'new'
}

/** Starts the dots in random order, evenly spread over `departuresMs`. */
function sampledVisits(dots: ReadonlyMap<string, number>, { log, servers }: Snapshot, random: () => number) {
  const gone = servers.find(({ state }) => state !== 'up')?.srv_id ?? null
  const originOf = (srvId: string) =>
    log.find(row => row.srv_id === srvId && row.moved_from)?.moved_from?.srv_id ?? gone
  return spread(dots, random).map(({ key, leavesIn }): VisitLaunch => {
    const [arrival, srvId] = arrivalAndServer(key)
    const from = arrival === 'moved' ? originOf(srvId) : null
    return { kind: 'visit', srvId, arrival, from, leavesIn, own: false, offset: random() * 2 - 1 }
  })
}

function arrivalAndServer(key: string): [Arrival, string] {
  const [name = '', srvId = ''] = key.split(' ')
  return [arrivalOf(name), srvId]
}

function sampledCommits(
  capsules: ReadonlyMap<string, number>,
  sizes: ReadonlyMap<string, number>,
  random: () => number,
): CommitLaunch[] {
  return spread(capsules, random).map(({ key, leavesIn }) => ({
    kind: 'commit',
    srvId: key,
    hits: sizes.get(key) ?? 1,
    leavesIn: leavesIn + travelMs,
  }))
}

function spread(marks: ReadonlyMap<string, number>, random: () => number) {
  const keys = [...marks].flatMap(([key, count]) => Array.from({ length: count }, () => key))
  const mixed = keys.map(key => ({ key, place: random() })).sort((one, other) => one.place - other.place)
  return mixed.map(({ key }, place) => ({ key, leavesIn: (place / mixed.length) * departuresMs }))
}
