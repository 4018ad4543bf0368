import type { Leg, Look, SentFlight } from './animation.ts'
import {
  type CommitLaunch,
  insideNginxMs,
  type Launch,
  ruleOf,
  toNginxMs,
  toServerMs,
  type VisitLaunch,
} from './dots.ts'
import { type Place, type Places, toLostServer, toOtherServer } from './geometry.ts'

/** How far a dot may be from the middle of its line, in px. */
const maxOffset = 3
/** ms that a commit needs to the database, and that a moved visit needs from the lost server to another. */
const toDatabaseMs = 300
const bendMs = 320

/** The way and the look of a dot or a commit; none if its server is not in the picture. */
export function flightOf(launch: Launch, places: Places): SentFlight[] {
  const place = places.servers.get(launch.srvId)
  if (!place) return []
  return [launch.kind === 'commit' ? commitFlight(launch, place, places) : visitFlight(launch, place, places)]
}

function commitFlight(
  { hits, leavesIn }: CommitLaunch,
  place: Place,
  { vertical, inks }: Places,
): SentFlight {
  const look: Look = { shape: 'capsule', colour: place.hue, hollow: place.again, hits, text: inks.text }
  const legs: Leg[] = [{ ms: toDatabaseMs, curve: place.commits, look }]
  return { leavesIn, offset: 0, vertical, legs, answer: null }
}

function visitFlight(
  launch: VisitLaunch,
  place: Place,
  { vertical, visitors, servers, inks }: Places,
): SentFlight {
  const { arrival, own, leavesIn, srvId } = launch
  const rule = ruleOf(arrival)
  const halo = own ? place.edge : null
  const served: Look = { shape: 'dot', colour: place.hue, hollow: place.again, halo }
  const answer = { server: srvId, ring: place.ring, hue: place.hue }
  const start = (look: Look): Leg[] => [
    { ms: toNginxMs, curve: visitors[rule], look },
    { ms: insideNginxMs, curve: null, look, rule },
  ]
  const flight = { leavesIn, offset: launch.offset * maxOffset, vertical, answer }
  if (arrival === 'moved') {
    const old = launch.from === null ? undefined : servers.get(launch.from)
    const moved: Look = {
      shape: 'dot',
      colour: old?.hue ?? inks.new,
      hollow: old?.again ?? true,
      halo,
      ring: inks.moved,
    }
    if (!old || old === place)
      return { ...flight, legs: [...start(moved), { ms: toServerMs, curve: place.visits, look: moved }] }
    const toLost = toLostServer(old.visits, vertical)
    const legs: Leg[] = [
      ...start(moved),
      { ms: toServerMs, curve: toLost, look: moved },
      { ms: bendMs, curve: toOtherServer(toLost, place.visits, vertical), look: moved, failed: inks.moved },
    ]
    return { ...flight, legs }
  }
  // Colour before NGINX's choice would show a wrong cause: a new visitor has none before.
  const first: Look = arrival === 'new' ? { shape: 'dot', colour: inks.new, hollow: true, halo } : served
  return { ...flight, legs: [...start(first), { ms: toServerMs, curve: place.visits, look: served }] }
}
