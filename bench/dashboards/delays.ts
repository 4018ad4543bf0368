import type { Tick } from './messages.ts'

/** Longest delay told apart, in ms. */
const longest = 60_000

/**
 * How long hits took to reach the dashboards: each hit at each dashboard, by the change that was the first to count it.
 * `countedAt` is when each hit was counted, ms since 1970. The first tick only says where the second begins.
 */
export function delayPercentiles(
  ticks: Tick[],
  countedAt: Map<number, number>,
): { p50Ms: number; p95Ms: number } {
  const counts = new Uint32Array(longest + 1)
  const inOrder = ticks.toSorted((a, b) => a.counter - b.counter)
  for (const [index, { counter, arrivals }] of inOrder.entries()) {
    const before = inOrder[index - 1]
    if (!before) continue
    for (let hit = before.counter + 1; hit <= counter; hit++) {
      const at = countedAt.get(hit)
      if (at === undefined) continue
      for (const arrival of arrivals) {
        const delay = Math.min(longest, Math.max(0, Math.round(arrival - at)))
        counts[delay] = (counts[delay] ?? 0) + 1
      }
    }
  }
  return { p50Ms: percentileOfCounts(counts, 50), p95Ms: percentileOfCounts(counts, 95) }
}

/** `counts` says how often each whole number was seen. NaN when none was. */
function percentileOfCounts(counts: Uint32Array, percent: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const wanted = (percent / 100) * total
  let seen = 0
  for (const [figure, count] of counts.entries()) {
    seen += count
    if (count > 0 && seen >= wanted) return figure
  }
  return Number.NaN
}
