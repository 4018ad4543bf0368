import type { HistoryRange } from '../../shared/api.ts'
import type { Buckets } from '../db/read-history.ts'

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
