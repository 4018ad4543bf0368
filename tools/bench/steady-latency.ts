import type { Contender } from './contenders/contender.ts'
import { number } from './harness/figure-texts.ts'
import { visitSteadily } from './harness/visit-steadily.ts'
import type { Target } from './target.ts'

const perSecond = 500
const askedMs = 25

/** How late the slowest hundredth of page views is at a steady rate, after as long a time of the same that does not count. */
export async function measureSteadyLatency(
  board: Contender,
  seconds: number,
  signal: AbortSignal,
): Promise<Target[]> {
  const pace = { perSecond, seconds }
  await visitSteadily(board.url, pace, signal) // a start is slower than what follows
  const { p50Ms, p99Ms, errors } = await visitSteadily(board.url, pace, signal)
  return [
    {
      what: `p99 at ${perSecond} page views/s, ${board.servers.length} replicas`,
      asked: `${askedMs} ms`,
      found: `${number(p99Ms)} ms (p50 ${number(p50Ms)} ms, ${errors} failed)`,
      figure: p99Ms,
      met: p99Ms <= askedMs && errors === 0,
    },
  ]
}
