import { z } from 'zod'
import type { History, HistoryDown, HistoryEvent } from '../../shared/api.ts'
import {
  defaultHistoryRange,
  type HistoryRange,
  historyEventsMax,
  historyRangeNames,
  historyRanges,
  lostAfterSeconds,
} from '../../shared/limits.ts'
import {
  type Buckets,
  type Instance,
  type InstanceBucket,
  readClock,
  readHistory,
  readInstances,
} from '../db/history.ts'
import type { ReadPool } from '../db/pools.ts'
import { parseParameters } from '../http/request.ts'
import { type Endpoint, sendJson } from '../http/router.ts'

/** ms before the range within which a lost server still counts as down. An earlier one counts as given up. */
const lookBackMs = 24 * 3_600_000

const parameters = { range: z.enum(historyRangeNames, 'must be 5m, 1h or 24h').default(defaultHistoryRange) }

/**
 * GET /api/history?range= answers a History, by the database's clock. Each instance of a server that answered a hit in the
 * range has a separate row, in the order of their starts: so a restart shows, and a server that reuses an address does not
 * get the hits of the one before.
 */
export function historyEndpoint({ read }: { read: ReadPool }): Endpoint {
  return async (_request, response, url) => {
    const { range } = parseParameters(url.searchParams, parameters)
    const now = await readClock(read)
    const buckets = historyBuckets(range, now)
    const [counts, instances] = await Promise.all([
      readHistory(read, buckets),
      readInstances(read, new Date(buckets.start.getTime() - lookBackMs), historyEventsMax),
    ])
    const history: History = {
      range,
      at: now.toISOString(),
      bucket_seconds: buckets.step,
      times: bucketStarts(buckets),
      servers: serverHits(counts, buckets.count),
      events: historyEvents(instances, buckets.start),
      downs: historyDowns(instances, now, buckets.start),
    }
    sendJson(response, 200, history)
  }
}

function serverHits(counts: InstanceBucket[], length: number): History['servers'] {
  const instances = Map.groupBy(counts, count => count.id)
  return [...instances.values()].flatMap(buckets => {
    const [instance] = buckets
    if (!instance) return []
    const hits = new Array<number>(length).fill(0)
    for (const count of buckets) hits[count.bucket] = count.hits
    return { id: instance.id, srv_id: instance.srv_id, name: instance.name, hits }
  })
}

/** The complete buckets of the range, and the current one. They start at multiples of their length, in UTC. */
export function historyBuckets(range: HistoryRange, now: Date): Buckets {
  const { seconds, bucketSeconds: step } = historyRanges[range]
  const current = Math.floor(now.getTime() / 1000 / step) * step
  return { start: new Date((current - seconds) * 1000), step, count: seconds / step + 1 }
}

/** Start times of the buckets, oldest first. */
export function bucketStarts({ start, step, count }: Buckets): string[] {
  return Array.from({ length: count }, (_, at) => new Date(start.getTime() + at * step * 1000).toISOString())
}

/** Starts and ends of these instances since then, newest first. */
export function historyEvents(instances: Instance[], since: Date): HistoryEvent[] {
  return withNext(instances)
    .flatMap(([instance, next]) => eventsOf(instance, next))
    .filter(({ at }) => Date.parse(at) >= since.getTime())
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
    .slice(0, historyEventsMax)
}

function eventsOf(instance: Instance, next: Instance | undefined): HistoryEvent[] {
  const { id, srv_id, name, started_at, last_seen_at, stopped_at } = instance
  const event = (type: HistoryEvent['type'], at: string) => ({ type, by: null, id, srv_id, name, at })
  const end = endOf(instance, next)
  const endedAt = end === 'stopped' ? stopped_at : last_seen_at
  const joined = event('joined', started_at)
  return end === null || endedAt === null ? [joined] : [joined, event(end, endedAt)]
}

/** Each instance with the next one at its address, oldest first. */
function withNext(instances: Instance[]): [Instance, Instance | undefined][] {
  const byAddress = Map.groupBy(
    instances.toSorted((a, b) => a.id - b.id),
    ({ srv_id }) => srv_id,
  )
  return [...byAddress.values()].flatMap(group =>
    group.map((instance, place): [Instance, Instance | undefined] => [instance, group[place + 1]]),
  )
}

/**
 * ms. Servers of an earlier release do not write how an instance ended. They mark it as stopped within this time of the start of
 * the next one. A stop that is longer ago was an orderly one: a start takes longer.
 */
const replacedWithinMs = 1000

/** How an instance ended; null if it did not. It was lost even if another instance has started at its address since. */
function endOf(
  { stopped_at, ended, silent_ms }: Instance,
  next: Instance | undefined,
): 'lost' | 'killed' | 'stopped' | null {
  if (silent_ms > lostAfterSeconds * 1000) return 'lost'
  if (stopped_at === null) return null
  const replaced =
    next !== undefined && Date.parse(next.started_at) - Date.parse(stopped_at) < replacedWithinMs
  return ended ?? (replaced ? 'killed' : 'stopped')
}

/**
 * How often these instances ended unexpectedly, and for how long no server was at their address: from the last heartbeat to the
 * next instance's start, or to now. Only time after `since` counts. A server that left in good order was not down, even if
 * another server used its address later. Longest first.
 */
export function historyDowns(instances: Instance[], now: Date, since = new Date(0)): HistoryDown[] {
  const byAddress = Map.groupBy(withNext(instances), ([{ srv_id }]) => srv_id)
  return [...byAddress.values()].flatMap(group => downOf(group, since, now)).sort((a, b) => b.ms - a.ms)
}

function downOf(instances: [Instance, Instance | undefined][], since: Date, now: Date): HistoryDown[] {
  const last = instances.at(-1)?.[0]
  const gaps = instances.flatMap(([instance, next]) => gapAfter(instance, next, since, now))
  if (!last || gaps.length === 0) return []
  const { srv_id, name } = last
  return [{ srv_id, name, times: gaps.length, ms: gaps.reduce((sum, ms) => sum + ms, 0) }]
}

/** @returns ms; empty if it was not down, or was back before `since` */
function gapAfter(instance: Instance, next: Instance | undefined, since: Date, now: Date): number[] {
  const end = endOf(instance, next)
  const nextStart = next ? Date.parse(next.started_at) : now.getTime()
  if (end === null || end === 'stopped' || nextStart <= since.getTime()) return []
  return [nextStart - Math.max(Date.parse(instance.last_seen_at), since.getTime())]
}
