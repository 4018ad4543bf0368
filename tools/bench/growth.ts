// `npm run bench:growth`: what page views and dashboards cost as things grow. Prints tables, and draws pictures/ anew.
// --short only shows that all of it works, and draws nothing; --only log-rows, which may be given again, leaves out the rest.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildIfChanged } from '../launcher/build.ts'
import { type Contender, entryOf, startContender } from './contenders/contender.ts'
import { board } from './contenders/entrants.ts'
import { measureDashboards } from './dashboards/measure-dashboards.ts'
import { countIn, fillLog, makeSchema } from './harness/database.ts'
import { machineText, markdownTable, megabytes, number, say } from './harness/report.ts'
import { loadHead, loadRow, measureRun, type Summary, summarise } from './harness/rounds.ts'
import { benchCommand, type Testbed } from './harness/testbed.ts'
import { type Plot, plotSvg } from './plot.ts'

/** What was found of one thing that grows: a table, and pictures of what matters in it by their files' names. */
type Growth = { title: string; head: string[]; rows: string[][]; plots: Record<string, Plot> }

/** How far things grow, and how long each step is measured. */
type GrowthExtent = {
  replicas: number[]
  connections: number[]
  logRows: number[]
  dashboards: number[]
  /** runs of each step, of which the median is told */
  rounds: number
  /** of a run */
  seconds: number
}

const fullGrowth: GrowthExtent = {
  replicas: [1, 2, 3, 4, 6, 8],
  connections: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
  logRows: [10_000, 100_000, 1_000_000, 10_000_000],
  dashboards: [0, 500, 1000, 2500, 5000],
  rounds: 3,
  seconds: 5,
}

/** Shows that all of it works, and says nothing about growth. */
const shortGrowth: GrowthExtent = {
  replicas: [1, 2],
  connections: [1, 8],
  logRows: [10_000, 20_000],
  dashboards: [0, 50],
  rounds: 1,
  seconds: 1,
}

/** Loads a board that has just been started, first for a second that does not count. */
async function measureLoad(
  name: string,
  board: Contender,
  connections: number,
  { rounds, seconds }: GrowthExtent,
  ground: Testbed,
): Promise<Summary> {
  const entry = entryOf(board)
  await measureRun(entry, { connections, seconds: 1 }, ground)
  const runs = []
  for (let round = 0; round < rounds; round++)
    runs.push(await measureRun(entry, { connections, seconds }, ground))
  const summary = summarise(name, runs)
  say('growth', `${name}: ${Math.round(summary.page_views_per_second.median)}/s`)
  return summary
}

async function growByReplicas(ground: Testbed, extent: GrowthExtent): Promise<Growth> {
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

async function growByConnections(ground: Testbed, extent: GrowthExtent): Promise<Growth> {
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

const hitsPerSecond = 100

async function growByDashboards(ground: Testbed, extent: GrowthExtent): Promise<Growth> {
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

/** An empty log first, then ever more rows in the same. */
async function growByLogRows(ground: Testbed, extent: GrowthExtent): Promise<Growth> {
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

const growths = {
  replicas: growByReplicas,
  connections: growByConnections,
  dashboards: growByDashboards,
  'log-rows': growByLogRows,
}
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } },
})
const unknown = values.only?.find(name => !(name in growths))
if (unknown !== undefined)
  throw new TypeError(`there is no ${unknown}; there are ${Object.keys(growths).join(', ')}`)
const pictures = join(import.meta.dirname, 'pictures')

await benchCommand(async ground => {
  await buildIfChanged(say, ground.site.signal)
  console.log(await machineText())
  for (const [name, grow] of Object.entries(growths)) {
    if (values.only && !values.only.includes(name)) continue
    const { title, head, rows, plots } = await grow(ground, values.short ? shortGrowth : fullGrowth)
    console.log(`\n**${title}**\n\n${markdownTable(head, rows)}`)
    if (values.short) continue
    await mkdir(pictures, { recursive: true })
    for (const [name, plot] of Object.entries(plots)) {
      await writeFile(join(pictures, `${name}.svg`), plotSvg(plot))
    }
  }
})
