import { board } from '../contenders/board.ts'
import { startContender } from '../contenders/start-contender.ts'
import { number } from '../figures/figure-texts.ts'
import type { Ground } from '../ground.ts'
import { visitSteadily } from '../visits/visit-steadily.ts'
import type { Target } from './target.ts'

const perSecond = 500
const askedMs = 25

/** How late the slowest hundredth of page views is at a steady rate, at three replicas. */
export async function measureSteadyLatency(ground: Ground, seconds: number): Promise<Target[]> {
  const { signal } = ground.site
  const contender = await startContender(ground, board)
  await visitSteadily(contender.url, { perSecond, seconds: 2 }, signal) // a start is slower than what follows
  const { p50Ms, p99Ms, errors } = await visitSteadily(contender.url, { perSecond, seconds }, signal)
  await contender.stop()
  return [
    {
      what: `p99 at ${perSecond} page views/s, three replicas`,
      asked: `${askedMs} ms`,
      found: `${number(p99Ms)} ms (p50 ${number(p50Ms)} ms, ${errors} failed)`,
      figure: p99Ms,
      met: p99Ms <= askedMs && errors === 0,
    },
  ]
}
