// `npm run bench:growth`: what page views and dashboards cost as things grow. Prints tables and redraws pictures/. Exit status 1 if
// a load was not answered or not counted exactly.
// --json prints one object instead, on the last line, and draws nothing. --short only checks that everything works, and draws nothing.
// --only log-rows runs this part alone; may be repeated.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../web/server/errors.ts'
import { buildIfChanged } from '../launcher/stack/build.ts'
import {
  board,
  type Contender,
  entryOf,
  limitOf,
  samplePage,
  startContender,
} from './contenders/contender.ts'
import { measureDashboards, measureIdle } from './dashboards/measure-dashboards.ts'
import { benchCommand, countIn, fillLog, makeSchema, type Testbed } from './harness/database.ts'
import { parseGrowthOptions } from './harness/options.ts'
import { machineText, markdownTable, megabytes, number, type Plot, plotSvg, say } from './harness/report.ts'
import {
  findFaults,
  loadHead,
  loadRow,
  replicaRatios,
  type Summary,
  summarise,
  summaryOf,
  takeTurns,
} from './harness/rounds.ts'

/** Results for one quantity that grows: a table, plots by file name, the figures for programs, a step each, and what is wrong */
type Growth = {
  title: string
  head: string[]
  rows: string[][]
  plots: Record<string, Plot>
  steps: object[]
  ratios?: Record<string, number | null>
  faults: string[]
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

/** Loads each contender in turn, for some seconds that do not count. */
async function warmUp(
  contenders: Contender[],
  { warmUpSeconds }: GrowthExtent,
  testbed: Testbed,
): Promise<void> {
  say('growth', 'warm-up, which does not count')
  const entries = contenders.map(contender => entryOf(contender))
  await takeTurns(entries, 1, { connections: 64, seconds: warmUpSeconds }, testbed)
}

/** Loads warm contenders in turns. @returns a summary each, by the contender's name */
async function measureTurns(
  step: string,
  contenders: Contender[],
  connections: number,
  { rounds, seconds }: GrowthExtent,
  testbed: Testbed,
): Promise<Summary[]> {
  say('growth', step)
  const entries = contenders.map(contender => entryOf(contender))
  const results = await takeTurns(entries, rounds, { connections, seconds }, testbed)
  return results.map(({ name, runs }) => summarise(name, runs))
}

/** Loads a warm board. @returns a summary with the step's name */
async function measureLoad(
  step: string,
  board: Contender,
  connections: number,
  extent: GrowthExtent,
  testbed: Testbed,
): Promise<Summary> {
  const summaries = await measureTurns(step, [board], connections, extent, testbed)
  return { ...summaryOf(board.name, summaries), name: step }
}

/** Figures for programs: page views per second are the median of the runs */
type Rates = {
  page_views_per_second: number
  lowest: number
  highest: number
  p99_ms: number
  cores: Summary['cores']
  exact: boolean | null
}

function ratesOf({ page_views_per_second, p99_ms, cores, exact }: Summary): Rates {
  const { median, lowest, highest } = page_views_per_second
  return { page_views_per_second: median, lowest, highest, p99_ms, cores, exact }
}

/** Figures of a board with that many replicas */
type ReplicasStep = Rates & {
  replicas: number
  /** after the load */
  memory_bytes_each: number
  /** the limit with as many servers, loaded in turns with the board */
  limit: Rates
  /** the board's page views per second divided by the limit's */
  of_limit: number
  /** of all replicas together, and of the database, with one dashboard open and no page views */
  idle_cores: { servers: number; database: number }
}

/** The limit shows how much of a fall is in what every Node server behind NGINX pays. */
async function growByReplicas(testbed: Testbed, extent: GrowthExtent): Promise<Growth> {
  const rows: string[][] = []
  const points: Plot['points'] = []
  const steps: ReplicasStep[] = []
  const faults: string[] = []
  for (const replicas of extent.replicas) {
    const ours = await startContender(testbed, board, { replicas })
    const sample = await samplePage(ours, testbed.signal)
    const limit = await startContender(testbed, await limitOf(testbed, sample), { replicas })
    await warmUp([ours, limit], extent, testbed)
    const step = `${replicas} replicas`
    const summaries = await measureTurns(step, [ours, limit], 64, extent, testbed)
    await limit.stop()
    const idle = await measureIdle(ours, testbed.databasePid, extent.seconds * extent.rounds, testbed.signal)
    await ours.stop()
    faults.push(...findFaults(summaries.map(summary => ({ ...summary, name: `${step}, ${summary.name}` }))))
    const summary = summaryOf(ours.name, summaries)
    const rates = ratesOf(summary)
    const limitRates = ratesOf(summaryOf(limit.name, summaries))
    const share = rates.page_views_per_second / (points[0]?.y ?? rates.page_views_per_second)
    const ofLimit = rates.page_views_per_second / limitRates.page_views_per_second
    rows.push([
      ...loadRow(number(replicas), summary),
      ...[share, limitRates.page_views_per_second, ofLimit, idle.servers * 100, idle.database * 100].map(
        number,
      ),
    ])
    points.push({ x: replicas, y: rates.page_views_per_second })
    steps.push({
      replicas,
      ...rates,
      memory_bytes_each: summary.memory_bytes / replicas,
      limit: limitRates,
      of_limit: ofLimit,
      idle_cores: idle,
    })
  }
  return {
    title: 'Replicas, 64 connections, in turns with the limit; then idle, with one dashboard open',
    head: ['replicas', ...loadHead, 'of one', 'the limit', 'board of limit', 'idle: % of a core', 'database'],
    rows,
    steps,
    ratios: replicaRatios(steps),
    faults,
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
  const faults: string[] = []
  const contender = await startContender(testbed, board)
  await warmUp([contender], extent, testbed)
  for (const connections of extent.connections) {
    const summary = await measureLoad(`${connections} connections`, contender, connections, extent, testbed)
    faults.push(...findFaults([summary]))
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
    faults,
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
    faults: [],
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
  const faults: string[] = []
  const databaseUrl = await makeSchema(testbed.databaseUrl, 'bench_log', 'board')
  for (const target of [0, ...extent.logRows]) {
    const counter = await countIn(databaseUrl, 'board').read()
    say('growth', `filling the log up to ${number(target)} rows`)
    if (target > counter) await fillLog(databaseUrl, target - counter, testbed.signal)
    const contender = await startContender(testbed, board, { databaseUrl })
    await warmUp([contender], extent, testbed)
    const summary = await measureLoad(`${number(target)} rows`, contender, 64, extent, testbed)
    faults.push(...findFaults([summary]))
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
    faults,
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
  const allFaults: string[] = []
  for (const [name, grow] of Object.entries(growths)) {
    if (!only.includes(name)) continue
    const growth = await grow(testbed, short ? shortGrowth : fullGrowth)
    const { title, head, rows, plots, steps, ratios, faults } = growth
    allFaults.push(...faults)
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
  if (allFaults.length > 0) throw new UserError(`these results are invalid: ${allFaults.join('; ')}`)
})
