import type { Tick } from './messages.ts'

export type Delays = {
  /** NaN where too little arrived to tell */
  p50Ms: number
  p95Ms: number
  /** of the changes that all dashboards should have got, the share that arrived */
  delivered: number
}

/** Longest delay told apart, in ms. */
const longest = 60_000

/**
 * How long hits took to reach the dashboards: each hit at each dashboard, by the change that was the first to count it.
 * `countedAt` is when each hit was counted, ms since 1970. The first change only says where the second begins, and the
 * last may still have been on its way to some.
 */
export function delaysOf(ticks: Tick[], countedAt: Map<number, number>, dashboards: number): Delays {
  const counts = new Uint32Array(longest + 1)
  const inOrder = ticks.toSorted((a, b) => a.counter - b.counter)
  const whole = inOrder.slice(1, -1)
  for (const [index, { counter, arrivals }] of whole.entries()) {
    const before = inOrder[index]?.counter ?? counter
    for (let hit = before + 1; hit <= counter; hit++) {
      const at = countedAt.get(hit)
      if (at === undefined) continue
      for (const arrival of arrivals) {
        const delay = Math.min(longest, Math.max(0, Math.round(arrival - at)))
        counts[delay] = (counts[delay] ?? 0) + 1
      }
    }
  }
  const arrived = whole.reduce((sum, { arrivals }) => sum + arrivals.length, 0)
  return {
    p50Ms: percentileOfCounts(counts, 50),
    p95Ms: percentileOfCounts(counts, 95),
    delivered: arrived / (whole.length * dashboards),
  }
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
