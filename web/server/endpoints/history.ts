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
  type DrainChange,
  type Instance,
  type InstanceBucket,
  readClock,
  readDrainChanges,
  readHistory,
  readInstances,
  readSilences,
  type Silence,
} from '../db/history.ts'
import type { ReadPool } from '../db/pools.ts'
import type { Board } from '../feed/board.ts'
import { parseParameters } from '../http/request.ts'
import { type Endpoint, sendJson } from '../http/router.ts'

/** ms before the range within which a lost server still counts as down. An earlier one counts as given up. */
const lookBackMs = 24 * 3_600_000

const parameters = { range: z.enum(historyRangeNames, 'must be 5m, 1h or 24h').default(defaultHistoryRange) }

type Source = { read: ReadPool; board: Pick<Board, 'silenceOf'> }

/**
 * GET /api/history?range= answers a History, by the database's clock. Each instance of a server that answered a hit in the
 * range has a separate row, in the order of their starts: so a restart shows, and a server that reuses an address does not
 * get the hits of the one before.
 */
export function historyEndpoint({ read, board }: Source): Endpoint {
  return async (_request, response, url) => {
    const { range } = parseParameters(url.searchParams, parameters)
    const now = await readClock(read)
    const buckets = historyBuckets(range, now)
    const lookBack = new Date(buckets.start.getTime() - lookBackMs)
    const [counts, rows, silences, drains] = await Promise.all([
      readHistory(read, buckets),
      readInstances(read, lookBack, historyEventsMax),
      readSilences(read, lookBack, historyEventsMax),
      readDrainChanges(read, buckets.start, historyEventsMax),
    ])
    const instances = rows.map(row => withoutOutage(row, now, board))
    const history: History = {
      range,
      at: now.toISOString(),
      bucket_seconds: buckets.bucketSeconds,
      times: bucketStarts(buckets),
      servers: serverHits(counts, buckets.count),
      events: historyEvents(instances, silences, buckets.start, drains),
      downs: historyDowns(instances, silences, now, buckets.start),
    }
    sendJson(response, 200, history)
  }
}

/** The instance, silent only for the time in which the database answered, if it has not ended. */
function withoutOutage(instance: Instance, now: Date, board: Source['board']): Instance {
  if (instance.stopped_at !== null) return instance
  const silent_ms = board.silenceOf(instance.silent_ms, instance.last_seen_at, now.toISOString())
  return { ...instance, silent_ms }
}

function serverHits(counts: InstanceBucket[], length: number): History['servers'] {
  const instances = Map.groupBy(
    counts.toSorted((a, b) => a.id - b.id),
    count => count.id,
  )
  return [...instances.values()].flatMap(buckets => {
    const [instance] = buckets
    if (!instance) return []
    const hits = new Array<number>(length).fill(0)
    for (const { bucket, hits: n } of buckets) hits[bucket] = (hits[bucket] ?? 0) + n
    return { id: instance.id, srv_id: instance.srv_id, name: instance.name, hits }
  })
}

/** The complete buckets of the range, and the current one. They start at multiples of their length, in UTC. */
export function historyBuckets(range: HistoryRange, now: Date): Buckets {
  const { seconds, bucketSeconds } = historyRanges[range]
  const current = Math.floor(now.getTime() / 1000 / bucketSeconds) * bucketSeconds
  return { start: new Date((current - seconds) * 1000), bucketSeconds, count: seconds / bucketSeconds + 1 }
}

/** Start times of the buckets, oldest first. */
export function bucketStarts({ start, bucketSeconds, count }: Buckets): string[] {
  return Array.from({ length: count }, (_, at) =>
    new Date(start.getTime() + at * bucketSeconds * 1000).toISOString(),
  )
}

/** Starts, ends, silences and drains of these instances since then, newest first. */
export function historyEvents(
  instances: Instance[],
  silences: Silence[],
  since: Date,
  drains: DrainChange[] = [],
): HistoryEvent[] {
  const events = [
    ...withNext(instances).flatMap(([instance, next]) => eventsOf(instance, next)),
    ...silences.flatMap(({ from, until, ...server }) => [
      eventOf(server, 'lost', from),
      eventOf(server, 'back', until),
    ]),
    ...drains.map(({ type, at, ...server }) =>
      eventOf(server, type === 'drain' ? 'draining' : 'undrained', at, 'control'),
    ),
  ]
  // An instance that just went on may still be lost by its row, and lost and back by its silence.
  const distinct = new Map(events.map(event => [`${event.id} ${event.type} ${event.at}`, event]))
  return [...distinct.values()]
    .filter(({ at }) => Date.parse(at) >= since.getTime())
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
    .slice(0, historyEventsMax)
}

function eventOf(
  { id, srv_id, name }: Pick<Instance, 'id' | 'srv_id' | 'name'>,
  type: HistoryEvent['type'],
  at: string,
  by: HistoryEvent['by'] = null,
): HistoryEvent {
  return { type, by, id, srv_id, name, at }
}

function eventsOf(instance: Instance, next: Instance | undefined): HistoryEvent[] {
  const { started_at, last_seen_at, stopped_at } = instance
  const end = endOf(instance, next)
  const endedAt = end === 'stopped' ? stopped_at : last_seen_at
  const joined = eventOf(instance, 'joined', started_at)
  if (end === null || endedAt === null) return [joined]
  const by = instance.ended_by_control !== null && end !== 'lost' ? 'control' : null
  return [joined, eventOf(instance, end, endedAt, by)]
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
  { stopped_at, ended, ended_by_control, silent_ms }: Instance,
  next: Instance | undefined,
): 'lost' | 'killed' | 'stopped' | null {
  if (ended_by_control === 'kill') return 'killed'
  if (silent_ms > lostAfterSeconds * 1000) return 'lost'
  if (stopped_at === null) return null
  const replaced =
    next !== undefined && Date.parse(next.started_at) - Date.parse(stopped_at) < replacedWithinMs
  return ended ?? (replaced ? 'killed' : 'stopped')
}

/**
 * How often servers were absent unexpectedly, and for how long: from the last heartbeat of an instance until it went on, until the
 * next one started at its address, or until now. Only time after `since` counts. A server that left in good order was not down,
 * even if another server used its address later. Longest first.
 */
export function historyDowns(
  instances: Instance[],
  silences: Silence[],
  now: Date,
  since = new Date(0),
): HistoryDown[] {
  const ends = withNext(instances).flatMap(([instance, next]) => gapAfter(instance, next, now))
  // An instance that just went on may still be lost by its row, and lost and back by its silence.
  const closed = silences.filter(({ id, from }) => !ends.some(gap => gap.id === id && gap.from === from))
  const gaps: Gap[] = [...closed, ...ends].filter(({ until }) => Date.parse(until) > since.getTime())
  // The newest instance comes last, and its name stays.
  const named = [...silences, ...instances].sort((a, b) => a.id - b.id)
  const names = new Map(named.map(({ srv_id, name }) => [srv_id, name]))
  return [...Map.groupBy(gaps, ({ srv_id }) => srv_id)]
    .map(([srv_id, group]) => ({ srv_id, name: names.get(srv_id) ?? '', ...downOf(group, since) }))
    .sort((a, b) => b.ms - a.ms)
}

type Gap = { id: number; srv_id: string; from: string; until: string }

function downOf(gaps: Gap[], since: Date): { times: number; ms: number } {
  const ms = gaps.map(({ from, until }) => Date.parse(until) - Math.max(Date.parse(from), since.getTime()))
  return { times: gaps.length, ms: ms.reduce((sum, each) => sum + each, 0) }
}

/** The time after an instance without a server at its address; empty if it was not down. */
function gapAfter(instance: Instance, next: Instance | undefined, now: Date): Gap[] {
  const end = endOf(instance, next)
  if (end === null || end === 'stopped') return []
  const { id, srv_id, last_seen_at: from } = instance
  return [{ id, srv_id, from, until: next?.started_at ?? now.toISOString() }]
}
