import { board } from './contenders/board.ts'
import { startContender } from './contenders/start-contender.ts'
import { measureFirstLoad } from './first-load.ts'
import type { Ground } from './harness/ground.ts'
import type { Extent } from './harness/options.ts'
import { measureOpenDashboards } from './open-dashboards.ts'
import { measureSteadyLatency } from './steady-latency.ts'
import type { Target } from './target.ts'

/** All that the board is held to but the comparison, each on boards that have just been started. */
export async function measureTargets(
  ground: Ground,
  { dashboards, targetSeconds: seconds }: Extent,
): Promise<Target[]> {
  const three = await startContender(ground, board)
  const latency = await measureSteadyLatency(three, seconds, ground.site.signal)
  const load = await measureFirstLoad(three)
  await three.stop()
  return [...latency, ...(await measureOpenDashboards(ground, { dashboards, seconds })), ...load]
}
