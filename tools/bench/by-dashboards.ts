import { board } from './contenders/board.ts'
import { startContender } from './contenders/start-contender.ts'
import { measureDashboards } from './dashboards/measure-dashboards.ts'
import type { GrowthExtent } from './extent.ts'
import type { Growth } from './growth.ts'
import { megabytes, number } from './harness/figure-texts.ts'
import type { Ground } from './harness/ground.ts'
import { say } from './harness/say.ts'

const hitsPerSecond = 100

export async function growByDashboards(ground: Ground, extent: GrowthExtent): Promise<Growth> {
  const seconds = extent.seconds * extent.rounds
  const rows: string[][] = []
  const cores: { x: number; y: number }[] = []
  const delays: { x: number; y: number }[] = []
  const contender = await startContender(ground, board, { replicas: 1 })
  for (const dashboards of extent.dashboards) {
    const found = await measureDashboards(
      contender,
      { dashboards, hitsPerSecond, seconds },
      ground.site.signal,
    )
    const { delay } = found
    say('growth', `${dashboards} dashboards: ${number(found.cores)} cores`)
    cores.push({ x: dashboards, y: found.cores * 100 })
    if (dashboards > 0) delays.push({ x: dashboards, y: delay.p95Ms })
    const times =
      dashboards > 0 ? [delay.p50Ms, delay.p95Ms, delay.delivered * 100].map(number) : ['', '', '']
    const rest = [found.reads, found.lost, found.errors].map(number)
    rows.push([number(dashboards), number(found.cores * 100), ...times, megabytes(found.bytes), ...rest])
  }
  await contender.stop()
  const axis = { x: 'dashboards open on one replica', xScale: 'linear' } as const
  return {
    title: `Dashboards open on one replica, at ${hitsPerSecond} hits/s`,
    head: [
      'dashboards',
      '% of a core',
      'p50 ms',
      'p95 ms',
      '% delivered',
      'memory',
      'queries/s',
      'cut off',
      'hits failed',
    ],
    rows,
    plots: {
      dashboards: { ...axis, title: 'Processor time by dashboards', y: '% of a core', points: cores },
      'dashboards-p95': { ...axis, title: 'From hit to dashboard, p95', y: 'ms', points: delays },
    },
  }
}
