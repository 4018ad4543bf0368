// The hits of each server in each of the last 60 seconds, for the bars of its card. Rows of the log and differences between
// snapshots fill them while the page is open. For the seconds before, a busy board's log is too short, so the history fills
// them: in bars as wide as its buckets, because it does not know single seconds.

import type { History, LogRow } from '../../shared/api.ts'

export type Minute = {
  /** the first second since which all hits are known; seconds are those of the Unix time */
  since: number
  /** by srv_id and second */
  hits: ReadonlyMap<string, ReadonlyMap<number, number>>
}

/** A bar of `width` seconds; `start`: 0 is the oldest of the 60 seconds. */
export type Bar = { start: number; width: number; hitsPerSecond: number }

const secondOf = (ms: number) => Math.floor(ms / 1000)
/** ms */
export const timeOf = ({ at }: { at: string }) => Date.parse(at)
const firstSecond = (now: number) => secondOf(now) - 59

/** `whole`: the log has all rows of the last minute, else those after its oldest second. */
export function startMinute(log: LogRow[], whole: boolean, now: number): Minute {
  const oldest = log.at(-1)
  const since = whole || !oldest ? 0 : secondOf(timeOf(oldest)) + 1
  return withRows({ since, hits: new Map() }, log, now)
}

/** Adds each hit to its second. `now`: ms. */
export function withRows(minute: Minute, rows: LogRow[], now: number): Minute {
  const parts = rows.map(row => ({ srvId: row.srv_id, second: secondOf(timeOf(row)), hits: 1 }))
  return { ...minute, hits: add(minute.hits, parts, firstSecond(now)) }
}

/**
 * ms. A longer gap between two snapshots is not live: the tab was hidden, or the connection was lost. The history fills it, and no
 * dots start.
 */
export const longestGapMs = 5_000

/** Spreads the hits evenly over the time between two snapshots, because it is not known when each came. Times in ms. */
export function withHits(
  minute: Minute,
  servers: Iterable<[string, { all: number }]>,
  from: number,
  to: number,
): Minute {
  if (to - from > longestGapMs) return { since: secondOf(to) + 1, hits: new Map() }
  const parts: Part[] = []
  for (const [srvId, { all }] of servers) {
    for (let second = secondOf(from); second <= secondOf(to); second++) {
      const overlap = Math.min(to, (second + 1) * 1000) - Math.max(from, second * 1000)
      parts.push({ srvId, second, hits: to > from ? (all * overlap) / (to - from) : all })
    }
  }
  return { ...minute, hits: add(minute.hits, parts, firstSecond(to)) }
}

type Part = { srvId: string; second: number; hits: number }

function add(known: Minute['hits'], parts: Part[], first: number): Minute['hits'] {
  const hits = new Map(
    [...known].map(([srvId, seconds]) => [
      srvId,
      new Map([...seconds].filter(([second]) => second >= first)),
    ]),
  )
  for (const { srvId, second, hits: more } of parts) {
    if (second < first) continue
    const seconds = hits.get(srvId) ?? new Map<number, number>()
    seconds.set(second, (seconds.get(second) ?? 0) + more)
    hits.set(srvId, seconds)
  }
  return hits
}

/** Whether the last minute began before the first known second. `now`: ms. */
export function needsHistory({ since }: Minute, now: number): boolean {
  return since > firstSecond(now)
}

/** A server's bars at `now` (ms), oldest first. Without the history, the seconds before the first known one are empty. */
export function barsOf(minute: Minute, srvId: string, history: History | undefined, now: number): Bar[] {
  const first = firstSecond(now)
  const seconds = minute.hits.get(srvId) ?? new Map<number, number>()
  const bars: Bar[] = needsHistory(minute, now) && history ? bucketBars(minute, srvId, history, first) : []
  for (let second = Math.max(first, minute.since); second <= secondOf(now); second++) {
    const hits = seconds.get(second) ?? 0
    if (hits > 0) bars.push({ start: second - first, width: 1, hitsPerSecond: hits })
  }
  return bars
}

/** The complete buckets before the first known second; of the last one, what is not in known seconds. */
function bucketBars({ since, hits }: Minute, srvId: string, history: History, first: number): Bar[] {
  const { at, bucket_seconds: length, times, servers } = history
  const rows = servers.filter(server => server.srv_id === srvId)
  return times.flatMap((time, place) => {
    const from = secondOf(Date.parse(time))
    const [start, end] = [Math.max(first, from), Math.min(since, from + length)]
    if (start >= end || from + length > secondOf(Date.parse(at))) return []
    const total = rows.reduce((sum, row) => sum + (row.hits[place] ?? 0), 0)
    let known = 0
    for (let second = end; second < from + length; second++) known += hits.get(srvId)?.get(second) ?? 0
    const hitsPerSecond = Math.max(0, total - known) / (end - from)
    return hitsPerSecond > 0 ? [{ start: start - first, width: end - start, hitsPerSecond }] : []
  })
}
