import { z } from 'zod'
import type { History, HistoryDown, HistoryEvent, HistoryRange } from '../../shared/api.ts'
import {
  type Buckets,
  type Life,
  type LifeInBucket,
  readClock,
  readHistory,
  readLives,
} from '../db/history.ts'
import type { ReadPool } from '../db/pools.ts'
import { silence } from '../db/server-row.ts'
import { parseParameters } from '../http/request.ts'
import { type Endpoint, sendJson } from '../http/router.ts'

/** ms before the range within which a server that was lost still counts as down; earlier it is one that was given up */
const lookBackMs = 24 * 3_600_000

const parameters = { range: z.enum(['5m', '1h', '24h'], 'must be 5m, 1h or 24h').default('5m') }

/**
 * GET /api/history?range= answers a History, by the database's clock. Each life of a server that answered a hit in the
 * range is a row of its own, in the order they began: so a restart shows, and a server that took over the address of
 * another does not get its past.
 */
export function historyEndpoint({ read }: { read: ReadPool }): Endpoint {
  return async (_request, response, url) => {
    const { range } = parseParameters(url.searchParams, parameters)
    const now = await readClock(read)
    const buckets = historyBuckets(range, now)
    const [counts, lives] = await Promise.all([
      readHistory(read, buckets),
      readLives(read, new Date(buckets.start.getTime() - lookBackMs), mostEvents),
    ])
    const history: History = {
      range,
      step: buckets.step,
      times: bucketStarts(buckets),
      servers: servingLives(counts, buckets.count),
      events: historyEvents(lives, buckets.start),
      downs: historyDowns(lives, now, buckets.start),
    }
    sendJson(response, 200, history)
  }
}

function servingLives(counts: LifeInBucket[], length: number): History['servers'] {
  const lives = Map.groupBy(counts, count => count.id)
  return [...lives.values()].flatMap(inBuckets => {
    const [life] = inBuckets
    if (!life) return []
    const hits = new Array<number>(length).fill(0)
    for (const count of inBuckets) hits[count.bucket] = count.hits
    return { id: life.id, srv_id: life.srv_id, name: life.name, hits }
  })
}

/** In seconds. */
const ranges: Record<HistoryRange, { length: number; step: number }> = {
  '5m': { length: 300, step: 60 },
  '1h': { length: 3600, step: 60 },
  '24h': { length: 86_400, step: 600 },
}

/** The whole buckets of the range, and the one that `now` is in. They begin at multiples of their length, in UTC. */
export function historyBuckets(range: HistoryRange, now: Date): Buckets {
  const { length, step } = ranges[range]
  const current = Math.floor(now.getTime() / 1000 / step) * step
  return { start: new Date((current - length) * 1000), step, count: length / step + 1 }
}

/** When each begins, oldest first. */
export function bucketStarts({ start, step, count }: Buckets): string[] {
  return Array.from({ length: count }, (_, at) => new Date(start.getTime() + at * step * 1000).toISOString())
}

/** How many are told at most. */
const mostEvents = 200

/** When these lives came and went, newest first: what happened since then. */
export function historyEvents(lives: Life[], since: Date): HistoryEvent[] {
  return lives
    .flatMap(eventsOf)
    .filter(({ at }) => Date.parse(at) >= since.getTime())
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
    .slice(0, mostEvents)
}

function eventsOf({
  id,
  srv_id,
  name,
  started_at,
  last_seen_at,
  stopped_at,
  silent_ms,
}: Life): HistoryEvent[] {
  const event = (kind: HistoryEvent['kind'], at: string) => ({ kind, id, srv_id, name, at })
  const joined = event('joined', started_at)
  // It was lost even if another life has followed at its address since.
  if (silent_ms > silence.lost * 1000) return [joined, event('lost', last_seen_at)]
  return stopped_at === null ? [joined] : [joined, event('left', stopped_at)]
}

/** ms between the end that a life is given by the next one at its address, and that one's start; a start takes longer. */
const atOnce = 1000

/**
 * How often these lives ended unasked, and for how long no server was at their address: from the last sign to the next
 * life's start, or until now. Of a time that began before `since`, what came after it counts. A server that left in good order
 * was not down, whether another came to its address later or not. The longest first.
 */
export function historyDowns(lives: Life[], now: Date, since = new Date(0)): HistoryDown[] {
  const addresses = Map.groupBy(lives, ({ srv_id }) => srv_id)
  return [...addresses.values()].flatMap(lives => downOf(lives, since, now)).sort((a, b) => b.ms - a.ms)
}

function downOf(lives: Life[], since: Date, now: Date): HistoryDown[] {
  const inTurn = lives.toSorted((a, b) => a.id - b.id)
  const last = inTurn.at(-1)
  const gaps = inTurn.flatMap((life, place) => gapAfter(life, inTurn[place + 1], since, now))
  if (!last || gaps.length === 0) return []
  const { srv_id, name } = last
  return [{ srv_id, name, times: gaps.length, ms: gaps.reduce((sum, ms) => sum + ms, 0) }]
}

/** In ms; none where it was not down, or was back before `since`. */
function gapAfter(life: Life, next: Life | undefined, since: Date, now: Date): number[] {
  const { last_seen_at, stopped_at, silent_ms } = life
  const nextStart = next ? Date.parse(next.started_at) : now.getTime()
  const replaced = next !== undefined && stopped_at !== null && nextStart - Date.parse(stopped_at) < atOnce
  const unasked = silent_ms > silence.lost * 1000 || replaced
  if (!unasked || nextStart <= since.getTime()) return []
  return [nextStart - Math.max(Date.parse(last_seen_at), since.getTime())]
}
