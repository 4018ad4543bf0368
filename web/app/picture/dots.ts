import type { Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'

/** Hits that came in, by server (its life's id). */
type NewHits = Map<number, number>

/** Figures further apart than this are not one moment's news: a tab that was hidden, a connection that was lost. */
const longestGapMs = 5_000

/** What came in between two looks at the board; empty when they are too far apart to show as movement. */
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

/** The page's figures with its own visit in them, which is counted after they are read: so its dot flies once. */
export function withOwnHit({ snapshot, visit, server }: PageView): Snapshot {
  if (!visit || Number(visit.hit) <= snapshot.counter) return snapshot
  const servers = snapshot.servers.map(row => (row.id === server.id ? { ...row, hits: row.hits + 1 } : row))
  return { ...snapshot, counter: snapshot.counter + 1, servers }
}

/** Dots for one look at the board, of which there are two a second: so 60 a second at the most. */
const mostDots = 30
/** Looks after which a rush is over. */
const remembered = 6

type Sampling = {
  /** visits that one dot stands for */
  worth: number
  /** hits of the last looks, newest first */
  recent: number[]
  /** by server, what was left over when its hits were turned into dots */
  left: ReadonlyMap<number, number>
}

export const noSampling: Sampling = { worth: 1, recent: [], left: new Map() }

/** How many dots each server gets for what came in, and the sampling from then on. What is left over counts next time. */
export function sample(before: Sampling, hits: NewHits): [Sampling, NewHits] {
  const total = [...hits.values()].reduce((sum, count) => sum + count, 0)
  const recent = [total, ...before.recent].slice(0, remembered)
  const worth = roundWorth(Math.max(...recent) / mostDots)
  const kept = worth === before.worth ? before.left : new Map<number, number>()
  const left = new Map(kept)
  const dots: NewHits = new Map()
  for (const [server, count] of hits) {
    const due = count + (kept.get(server) ?? 0)
    if (due >= worth) dots.set(server, Math.floor(due / worth))
    left.set(server, due % worth)
  }
  return [{ worth, recent, left }, dots]
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function roundWorth(least: number): number {
  for (let power = 1; ; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power >= least) return step * power
  }
}

/** Travelling, ms. */
export const travelMs = 550
/** The dots of one look at the board leave over this time, since its hits did not come in all at once. */
const departuresMs = 450

/** A hit on its way. */
export type DotLaunch = {
  server: number
  /** ms from now */
  leavesIn: number
  /** this visit's own */
  own: boolean
  /** a little off the line's middle, -1 to 1, so that dots beside each other can be told apart */
  aside: number
}

/** Dots leave in a mixed order, evenly over the time until the next look. */
export function launchDots(dots: ReadonlyMap<number, number>, random: () => number): DotLaunch[] {
  const servers = [...dots].flatMap(([server, count]) => Array.from({ length: count }, () => server))
  const mixed = servers
    .map(server => ({ server, place: random() }))
    .sort((one, other) => one.place - other.place)
  return mixed.map(({ server }, place) => ({
    server,
    leavesIn: (place / mixed.length) * departuresMs,
    own: false,
    aside: random() * 2 - 1,
  }))
}

export function launchOwnDot(server: number): DotLaunch {
  return { server, leavesIn: 0, own: true, aside: 0 }
}
