import { setTimeout as pause } from 'node:timers/promises'
import { board } from './contenders/board.ts'
import { startContender } from './contenders/start-contender.ts'
import { measureDashboards } from './dashboards/measure-dashboards.ts'
import { megabytes, number } from './harness/figure-texts.ts'
import type { Ground } from './harness/ground.ts'
import { readUsage } from './harness/read-usage.ts'
import type { Target } from './target.ts'

const hitsPerSecond = 100
/** ms after its start when a replica rests */
const settled = 3000

/** What open dashboards cost one replica, and how soon they know of a hit. */
export async function measureOpenDashboards(
  ground: Ground,
  { dashboards, seconds }: { dashboards: number; seconds: number },
): Promise<Target[]> {
  const { signal } = ground.site
  const contender = await startContender(ground, board, { replicas: 1 })
  await pause(settled, null, { signal })
  const idle = readUsage(contender.servers.map(server => server.pid)).bytes
  const setting = { hitsPerSecond, seconds }
  const none = await measureDashboards(contender, { ...setting, dashboards: 0 }, signal)
  const open = await measureDashboards(contender, { ...setting, dashboards }, signal)
  await contender.stop()

  const all = number(dashboards)
  const { cores, bytes, delay, lost, errors } = open
  const reads = open.reads - none.reads
  const sound = lost === 0 && errors === 0
  const failures = sound ? '' : ` (${lost} dashboards cut off, ${errors} hits failed)`
  return [
    {
      what: `${all} dashboards on one replica at ${hitsPerSecond} hits/s: CPU of one core`,
      asked: '60 %',
      found: `${number(cores * 100)} %${failures}`,
      figure: cores * 100,
      met: cores <= 0.6 && sound,
    },
    {
      what: 'the same: p95 from hit to dashboard',
      asked: '500 ms',
      found: `${delay.p95Ms} ms (p50 ${delay.p50Ms} ms; ${number(delay.delivered * 100)} % delivered)`,
      figure: delay.p95Ms,
      met: delay.p95Ms <= 500 && delay.delivered === 1 && sound,
    },
    {
      what: 'the same: database queries a second for the dashboards',
      asked: '4 a replica',
      found: `${number(reads)} (${number(none.reads)} without any)`,
      figure: reads,
      met: Math.round(reads) <= 4,
    },
    {
      what: 'memory of a replica, idle',
      asked: '150 MB',
      found: megabytes(idle),
      figure: idle,
      met: idle <= 150e6,
    },
    {
      what: `memory of a replica with ${all} dashboards`,
      asked: '400 MB',
      found: megabytes(bytes),
      figure: bytes,
      met: bytes <= 400e6,
    },
  ]
}
