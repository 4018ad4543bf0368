import { z } from 'zod'
import type { History } from '../../shared/api.ts'
import type { ReadPool } from '../db/pools.ts'
import { readClock } from '../db/read-clock.ts'
import { type LifeInBucket, readHistory } from '../db/read-history.ts'
import { readLives } from '../db/read-lives.ts'
import { sendJson } from '../http/answer.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { parseParameters } from '../http/parameters.ts'
import { bucketStarts, historyBuckets } from './history-buckets.ts'
import { historyDowns } from './history-downs.ts'
import { historyEvents, mostEvents } from './history-events.ts'

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
