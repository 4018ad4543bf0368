import { board } from './contenders/board.ts'
import { startContender } from './contenders/start-contender.ts'
import type { GrowthExtent } from './extent.ts'
import type { Growth } from './growth.ts'
import { countIn } from './harness/count.ts'
import { number } from './harness/figure-texts.ts'
import type { Ground } from './harness/ground.ts'
import { fillLog } from './harness/growth-fill-log.ts'
import { loadHead, loadRow } from './harness/load-row.ts'
import { makeSchema } from './harness/make-schema.ts'
import { say } from './harness/say.ts'
import { measureLoad } from './measure-load.ts'

/** An empty log first, then ever more rows in the same. */
export async function growByLogRows(ground: Ground, extent: GrowthExtent): Promise<Growth> {
  const rows: string[][] = []
  const points: { x: number; y: number }[] = []
  const databaseUrl = await makeSchema(ground.databaseUrl, 'bench_log', 'board')
  for (const wanted of [0, ...extent.logRows]) {
    const counter = await countIn(databaseUrl, 'board').read()
    say('growth', `filling the log up to ${number(wanted)} rows`)
    if (wanted > counter) await fillLog(databaseUrl, wanted - counter, ground.site.signal)
    const contender = await startContender(ground, board, { databaseUrl })
    const found = await measureLoad(`${number(wanted)} rows`, contender, 64, extent, ground)
    await contender.stop()
    points.push({ x: wanted, y: found.page_views_per_second.median })
    const share = found.page_views_per_second.median / (points[0]?.y ?? Number.NaN)
    rows.push([...loadRow(number(wanted), found), number(share)])
  }
  return {
    title: 'Rows in the log at the start, three replicas, 64 connections',
    head: ['rows', ...loadHead, 'of empty'],
    rows,
    plots: {
      'log-rows': {
        title: 'Page views by rows in the log',
        x: 'rows in the log at the start',
        y: 'page views/s',
        xScale: 'logarithmic',
        points: points.filter(point => point.x > 0),
      },
    },
  }
}
