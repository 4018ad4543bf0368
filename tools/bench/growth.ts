// `npm run bench:growth`: what page views and dashboards cost as things grow. Prints tables and redraws pictures/.
// --json prints one object instead, on the last line, and draws nothing. --short only checks that everything works, and draws nothing.
// --only log-rows runs this part alone; may be repeated.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildIfChanged } from '../launcher/stack/build.ts'
import { board, type Contender, entryOf, startContender } from './contenders/contender.ts'
import { measureDashboards, measureIdle } from './dashboards/measure-dashboards.ts'
import { benchCommand, countIn, fillLog, makeSchema, type Testbed } from './harness/database.ts'
import { parseGrowthOptions } from './harness/options.ts'
import { machineText, markdownTable, megabytes, number, type Plot, plotSvg, say } from './harness/report.ts'
import { loadHead, loadRow, measureRun, type Summary, summarise } from './harness/rounds.ts'

/** Results for one quantity that grows: a table, plots by file name, and the figures for programs, a step each */
type Growth = {
  title: string
  head: string[]
  rows: string[][]
  plots: Record<string, Plot>
  steps: object[]
  ratios?: Record<string, number | null>
}

/** How far things grow, and how long each step is measured */
type GrowthExtent = {
  replicas: number[]
  connections: number[]
  logRows: number[]
  dashboards: number[]
  /** of load that do not count, after a board's start: new servers are slower */
  warmUpSeconds: number
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
  warmUpSeconds: 10,
  rounds: 3,
  seconds: 5,
}

/** Checks that everything works, and says nothing about growth. */
const shortGrowth: GrowthExtent = {
  replicas: [1, 2],
  connections: [1, 8],
  logRows: [10_000, 20_000],
  dashboards: [0, 50],
  warmUpSeconds: 1,
  rounds: 1,
  seconds: 1,
}

/** Loads a board, first for some seconds that do not count. */
async function measureLoad(
  name: string,
  board: Contender,
  connections: number,
  { warmUpSeconds, rounds, seconds }: GrowthExtent,
  testbed: Testbed,
): Promise<Summary> {
  const entry = entryOf(board)
  await measureRun(entry, { connections, seconds: warmUpSeconds }, testbed)
  const runs = []
  for (let round = 0; round < rounds; round++)
    runs.push(await measureRun(entry, { connections, seconds }, testbed))
  const summary = summarise(name, runs)
  say('growth', `${name}: ${Math.round(summary.page_views_per_second.median)}/s`)
  return summary
}

/** Figures of a board with that many replicas. Page views per second are the median of its runs. */
type ReplicasStep = {
  replicas: number
  page_views_per_second: number
  lowest: number
  highest: number
  p99_ms: number
  /** after the load */
  memory_bytes_each: number
  exact: boolean | null
  /** of all replicas together, and of the database, with one dashboard open and no page views */
  idle_cores: { servers: number; database: number }
}

async function growByReplicas(testbed: Testbed, extent: GrowthExtent): Promise<Growth> {
  const rows: string[][] = []
  const points: Plot['points'] = []
  const steps: ReplicasStep[] = []
  for (const replicas of extent.replicas) {
    const contender = await startContender(testbed, board, { replicas })
    const summary = await measureLoad(`${replicas} replicas`, contender, 64, extent, testbed)
    const idle = await measureIdle(
      contender,
      testbed.databasePid,
      extent.seconds * extent.rounds,
      testbed.signal,
    )
    await contender.stop()
    const { median, lowest, highest } = summary.page_views_per_second
    const share = median / (points[0]?.y ?? median)
    rows.push([
      ...loadRow(number(replicas), summary),
      ...[share, idle.servers * 100, idle.database * 100].map(number),
    ])
    points.push({ x: replicas, y: median })
    steps.push({
      replicas,
      page_views_per_second: median,
      lowest,
      highest,
      p99_ms: summary.p99_ms,
      memory_bytes_each: summary.memory_bytes / replicas,
      exact: summary.exact,
      idle_cores: idle,
    })
  }
  const ofOne = (replicas: number) => {
    const rate = (of: number) => steps.find(step => step.replicas === of)?.page_views_per_second ?? Number.NaN
    const ratio = rate(replicas) / rate(1)
    return Number.isFinite(ratio) ? Math.round(ratio * 100) / 100 : null
  }
  return {
    title: 'Replicas, 64 connections; then idle, with one dashboard open',
    head: ['replicas', ...loadHead, 'of one', 'idle: % of a core', 'database'],
    rows,
    steps,
    ratios: { three_of_one: ofOne(3), eight_of_one: ofOne(8) },
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
  const steps: object[] = []
  const rates: Plot['points'] = []
  const times: Plot['points'] = []
  const contender = await startContender(testbed, board)
  for (const connections of extent.connections) {
    const summary = await measureLoad(`${connections} connections`, contender, connections, extent, testbed)
    rows.push(loadRow(number(connections), summary))
    steps.push({ connections, ...summary })
    rates.push({ x: connections, y: summary.page_views_per_second.median })
    times.push({ x: connections, y: summary.p99_ms })
  }
  await contender.stop()
  const axis = { x: 'connections', xScale: 'logarithmic' } as const
  return {
    title: 'Connections, three replicas',
    head: ['connections', ...loadHead],
    rows,
    steps,
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
  const steps: object[] = []
  const cores: Plot['points'] = []
  const delays: Plot['points'] = []
  const contender = await startContender(testbed, board, { replicas: 1 })
  for (const dashboards of extent.dashboards) {
    const figures = await measureDashboards(contender, { dashboards, hitsPerSecond, seconds }, signal)
    steps.push(figures)
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
    steps,
    plots: {
      dashboards: { ...axis, title: 'Processor time by dashboards', y: '% of a core', points: cores },
      'dashboards-p95': { ...axis, title: 'From hit to dashboard, p95', y: 'ms', points: delays },
    },
  }
}

/** Starts with an empty log and adds rows to it. */
async function growByLogRows(testbed: Testbed, extent: GrowthExtent): Promise<Growth> {
  const rows: string[][] = []
  const steps: object[] = []
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
    steps.push({ log_rows: target, ...summary })
  }
  return {
    title: 'Rows in the log at the start, three replicas, 64 connections',
    head: ['rows', ...loadHead, 'of empty'],
    rows,
    steps,
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
const { short, json, only } = parseGrowthOptions(process.argv.slice(2), Object.keys(growths))
const pictures = join(import.meta.dirname, 'pictures')

await benchCommand(async testbed => {
  await buildIfChanged(say, testbed.signal)
  const machine = await machineText()
  if (!json) console.log(machine)
  const results: Record<string, unknown> = { machine }
  for (const [name, grow] of Object.entries(growths)) {
    if (!only.includes(name)) continue
    const { title, head, rows, plots, steps, ratios } = await grow(testbed, short ? shortGrowth : fullGrowth)
    results[name.replace('-', '_')] = steps
    if (ratios) results.ratios = ratios
    if (json) continue
    console.log(`\n**${title}**\n\n${markdownTable(head, rows)}`)
    if (short) continue
    await mkdir(pictures, { recursive: true })
    for (const [name, plot] of Object.entries(plots)) {
      await writeFile(join(pictures, `${name}.svg`), plotSvg(plot))
    }
  }
  if (json) console.log(JSON.stringify(results))
})
