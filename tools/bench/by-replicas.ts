import { board } from './contenders/board.ts'
import { startContender } from './contenders/start-contender.ts'
import type { GrowthExtent } from './extent.ts'
import type { Growth } from './growth.ts'
import { number } from './harness/figure-texts.ts'
import type { Ground } from './harness/ground.ts'
import { loadHead, loadRow } from './harness/load-row.ts'
import { measureLoad } from './measure-load.ts'

export async function growByReplicas(ground: Ground, extent: GrowthExtent): Promise<Growth> {
  const rows: string[][] = []
  const points: { x: number; y: number }[] = []
  for (const replicas of extent.replicas) {
    const contender = await startContender(ground, board, { replicas })
    const found = await measureLoad(`${replicas} replicas`, contender, 64, extent, ground)
    await contender.stop()
    rows.push(loadRow(number(replicas), found))
    points.push({ x: replicas, y: found.page_views_per_second.median })
  }
  return {
    title: 'Replicas, 64 connections',
    head: ['replicas', ...loadHead],
    rows,
    plots: {
      replicas: {
        title: 'Page views by replicas',
        x: 'replicas',
        y: 'page views/s, 64 connections',
        xScale: 'linear',
        points,
      },
    },
  }
}
