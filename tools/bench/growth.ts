// `npm run bench:growth`: what page views and dashboards cost as things grow. Prints tables and redraws pictures/.
// --short only checks that everything works, and draws nothing. --only log-rows runs this part alone; may be repeated.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildIfChanged } from '../launcher/build.ts'
import { board, type Contender, entryOf, startContender } from './contenders/contender.ts'
import { measureDashboards } from './dashboards/measure-dashboards.ts'
import { countIn, fillLog, makeSchema } from './harness/database.ts'
import { machineText, markdownTable, megabytes, number, type Plot, plotSvg, say } from './harness/report.ts'
import { loadHead, loadRow, measureRun, type Summary, summarise } from './harness/rounds.ts'
import { benchCommand, type Testbed } from './harness/testbed.ts'

/** Results for one quantity that grows: a table, and plots by file name */
type Growth = { title: string; head: string[]; rows: string[][]; plots: Record<string, Plot> }

/** How far things grow, and how long each step is measured */
type GrowthExtent = {
  replicas: number[]
  connections: number[]
  logRows: number[]
  dashboards: number[]
  /** runs of each step; the table shows the median */
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

/** Checks that everything works, and says nothing about growth. */
const shortGrowth: GrowthExtent = {
  replicas: [1, 2],
  connections: [1, 8],
  logRows: [10_000, 20_000],
  dashboards: [0, 50],
  rounds: 1,
  seconds: 1,
}

/** Loads a board, first for one second that does not count. */
async function measureLoad(
  name: string,
  board: Contender,
  connections: number,
  { rounds, seconds }: GrowthExtent,
  testbed: Testbed,
): Promise<Summary> {
  const entry = entryOf(board)
  await measureRun(entry, { connections, seconds: 1 }, testbed)
  const runs = []
  for (let round = 0; round < rounds; round++)
    runs.push(await measureRun(entry, { connections, seconds }, testbed))
  const summary = summarise(name, runs)
  say('growth', `${name}: ${Math.round(summary.page_views_per_second.median)}/s`)
  return summary
}

async function growByReplicas(testbed: Testbed, extent: GrowthExtent): Promise<Growth> {
  const rows: string[][] = []
  const points: Plot['points'] = []
  for (const replicas of extent.replicas) {
    const contender = await startContender(testbed, board, { replicas })
    const summary = await measureLoad(`${replicas} replicas`, contender, 64, extent, testbed)
    await contender.stop()
    rows.push(loadRow(number(replicas), summary))
    points.push({ x: replicas, y: summary.page_views_per_second.median })
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

async function growByConnections(testbed: Testbed, extent: GrowthExtent): Promise<Growth> {
  const rows: string[][] = []
  const rates: Plot['points'] = []
  const times: Plot['points'] = []
  const contender = await startContender(testbed, board)
  for (const connections of extent.connections) {
    const summary = await measureLoad(`${connections} connections`, contender, connections, extent, testbed)
    rows.push(loadRow(number(connections), summary))
    rates.push({ x: connections, y: summary.page_views_per_second.median })
    times.push({ x: connections, y: summary.p99_ms })
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

async function growByDashboards(testbed: Testbed, extent: GrowthExtent): Promise<Growth> {
  const { signal } = testbed
  const seconds = extent.seconds * extent.rounds
  const rows: string[][] = []
  const cores: Plot['points'] = []
  const delays: Plot['points'] = []
  const contender = await startContender(testbed, board, { replicas: 1 })
  for (const dashboards of extent.dashboards) {
    const figures = await measureDashboards(contender, { dashboards, hitsPerSecond, seconds }, signal)
    const { delay, reads, lost, errors, bytes } = figures
    const percentOfCore = figures.cores * 100
    say('growth', `${dashboards} dashboards: ${number(figures.cores)} cores`)
    cores.push({ x: dashboards, y: percentOfCore })
    if (dashboards > 0) delays.push({ x: dashboards, y: delay.p95Ms })
    const delayCells =
      dashboards > 0 ? [delay.p50Ms, delay.p95Ms, delay.delivered * 100].map(number) : ['', '', '']
    const counts = [reads, lost, errors].map(number)
    rows.push([number(dashboards), number(percentOfCore), ...delayCells, megabytes(bytes), ...counts])
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

/** Starts with an empty log and adds rows to it. */
async function growByLogRows(testbed: Testbed, extent: GrowthExtent): Promise<Growth> {
  const rows: string[][] = []
  const points: Plot['points'] = []
  const databaseUrl = await makeSchema(testbed.databaseUrl, 'bench_log', 'board')
  for (const target of [0, ...extent.logRows]) {
    const counter = await countIn(databaseUrl, 'board').read()
    say('growth', `filling the log up to ${number(target)} rows`)
    if (target > counter) await fillLog(databaseUrl, target - counter, testbed.signal)
    const contender = await startContender(testbed, board, { databaseUrl })
    const summary = await measureLoad(`${number(target)} rows`, contender, 64, extent, testbed)
    await contender.stop()
    points.push({ x: target, y: summary.page_views_per_second.median })
    const share = summary.page_views_per_second.median / (points[0]?.y ?? Number.NaN)
    rows.push([...loadRow(number(target), summary), number(share)])
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
  throw new TypeError(`unknown name ${unknown}; the names are ${Object.keys(growths).join(', ')}`)
const pictures = join(import.meta.dirname, 'pictures')

await benchCommand(async testbed => {
  await buildIfChanged(say, testbed.signal)
  console.log(await machineText())
  for (const [name, grow] of Object.entries(growths)) {
    if (values.only && !values.only.includes(name)) continue
    const { title, head, rows, plots } = await grow(testbed, values.short ? shortGrowth : fullGrowth)
    console.log(`\n**${title}**\n\n${markdownTable(head, rows)}`)
    if (values.short) continue
    await mkdir(pictures, { recursive: true })
    for (const [name, plot] of Object.entries(plots)) {
      await writeFile(join(pictures, `${name}.svg`), plotSvg(plot))
    }
  }
})
