import type { Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'

/** New hits by the id of the server's instance. */
type NewHits = Map<number, number>

/** A longer gap between two snapshots is not live: the tab was hidden, or the connection was lost. */
const longestGapMs = 5_000

/** The hits between two snapshots; empty if the gap is too long to show as movement. */
export function newHits(before: Snapshot, after: Snapshot): NewHits {
  const hits: NewHits = new Map()
  if (Date.parse(after.at) - Date.parse(before.at) > longestGapMs) return hits
  const known = new Map(before.servers.map(server => [server.id, server.hits]))
  for (const { id, hits: now } of after.servers) {
    const more = now - (known.get(id) ?? 0)
    if (more > 0) hits.set(id, more)
  }
  return hits
}

/** The page's first snapshot plus its own visit, which is counted after the snapshot is read. So the visit has one dot. */
export function withOwnHit({ snapshot, visit, server }: PageView): Snapshot {
  if (!visit || Number(visit.hit) <= snapshot.counter) return snapshot
  const servers = snapshot.servers.map(row => (row.id === server.id ? { ...row, hits: row.hits + 1 } : row))
  return { ...snapshot, counter: snapshot.counter + 1, servers }
}

/** Dots for one snapshot. The page shows two snapshots a second: at most 60 dots start in a second. */
const maxDots = 30
/** One dot stands for many visits until this many snapshots in a row need fewer dots. */
const rushSnapshots = 6

type Sampling = {
  visitsPerDot: number
  /** hits of each of the last snapshots, newest first */
  recent: number[]
  /** by server, the hits that did not make a whole dot */
  left: ReadonlyMap<number, number>
}

export const noSampling: Sampling = { visitsPerDot: 1, recent: [], left: new Map() }

/** How many dots each server gets for its new hits, and the sampling for the next call. Leftover hits count then. */
export function sample(before: Sampling, hits: NewHits): [Sampling, NewHits] {
  const total = [...hits.values()].reduce((sum, count) => sum + count, 0)
  const recent = [total, ...before.recent].slice(0, rushSnapshots)
  const visitsPerDot = roundUp(Math.max(...recent) / maxDots)
  const kept = visitsPerDot === before.visitsPerDot ? before.left : new Map<number, number>()
  const left = new Map(kept)
  const dots: NewHits = new Map()
  for (const [server, count] of hits) {
    const due = count + (kept.get(server) ?? 0)
    if (due >= visitsPerDot) dots.set(server, Math.floor(due / visitsPerDot))
    left.set(server, due % visitsPerDot)
  }
  return [{ visitsPerDot, recent, left }, dots]
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function roundUp(min: number): number {
  for (let power = 1; ; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power >= min) return step * power
  }
}

/** How long a dot travels, in ms. */
export const travelMs = 550
/** The dots of one snapshot start spread over this time, as its hits came in over time. */
const departuresMs = 450

/** A dot to start. */
export type DotLaunch = {
  server: number
  /** ms from now */
  leavesIn: number
  /** it is this page's own visit */
  own: boolean
  /** -1 to 1, away from the middle of the line: keeps dots apart that start together */
  offset: number
}

/** Starts the dots in random order, evenly spread over `departuresMs`. */
export function launchDots(dots: ReadonlyMap<number, number>, random: () => number): DotLaunch[] {
  const servers = [...dots].flatMap(([server, count]) => Array.from({ length: count }, () => server))
  const mixed = servers
    .map(server => ({ server, place: random() }))
    .sort((one, other) => one.place - other.place)
  return mixed.map(({ server }, place) => ({
    server,
    leavesIn: (place / mixed.length) * departuresMs,
    own: false,
    offset: random() * 2 - 1,
  }))
}

export function launchOwnDot(server: number): DotLaunch {
  return { server, leavesIn: 0, own: true, offset: 0 }
}
