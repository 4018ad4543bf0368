import { board } from './contenders/board.ts'
import { startContender } from './contenders/start-contender.ts'
import type { GrowthExtent } from './extent.ts'
import type { Growth } from './growth.ts'
import { number } from './harness/figure-texts.ts'
import type { Ground } from './harness/ground.ts'
import { loadHead, loadRow } from './harness/load-row.ts'
import { measureLoad } from './measure-load.ts'

export async function growByConnections(ground: Ground, extent: GrowthExtent): Promise<Growth> {
  const rows: string[][] = []
  const rates: { x: number; y: number }[] = []
  const times: { x: number; y: number }[] = []
  const contender = await startContender(ground, board)
  for (const connections of extent.connections) {
    const found = await measureLoad(`${connections} connections`, contender, connections, extent, ground)
    rows.push(loadRow(number(connections), found))
    rates.push({ x: connections, y: found.page_views_per_second.median })
    times.push({ x: connections, y: found.p99_ms })
  }
  await contender.stop()
  const axis = { x: 'connections', xScale: 'logarithmic' } as const
  return {
    title: 'Connections, three replicas',
    head: ['connections', ...loadHead],
    rows,
    plots: {
      connections: { ...axis, title: 'Page views by connections', y: 'page views/s', points: rates },
      'connections-p99': { ...axis, title: 'p99 by connections', y: 'ms', points: times },
    },
  }
}
