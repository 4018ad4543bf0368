import { setTimeout as pause } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { nextThreadName } from '../../web/server/render/start-next-app.ts'
import { settingDefaults } from '../../web/shared/limits.ts'
import { readMetric } from '../lib/metrics.ts'
import { board, type Contender, limitOf, samplePage, startContender } from './contenders/contender.ts'
import { measureDashboards } from './dashboards/measure-dashboards.ts'
import type { Testbed } from './harness/database.ts'
import { type BrowserAnswer, findAssets, getAsBrowser, runWrk, visitSteadily } from './harness/load.ts'
import type { Extent } from './harness/options.ts'
import { kilobytes, megabytes, number } from './harness/report.ts'
import { median, type Ratios, type Summary } from './harness/rounds.ts'
import { readThreadSeconds, readUsage } from './harness/usage.ts'
import { wireBudget } from './page/web-vitals.ts'

/** A performance target of the board. `found` is the result in words, `figure` as a number for programs. */
export type Target = { what: string; required: string; found: string; figure: number; met: boolean }

/** Measures all targets except the comparison, each on a board that has just started. */
export async function measureTargets(
  testbed: Testbed,
  { dashboards, rounds, targetSeconds: seconds }: Extent,
): Promise<Target[]> {
  const { signal } = testbed
  const three = await startContender(testbed, board)
  const limit = await startContender(testbed, await limitOf(testbed, await samplePage(three, signal)))
  for (const { url } of [three, limit]) await visitSteadily(url, { perSecond, seconds }, signal) // warm-up
  const renderings = await Promise.all(three.servers.map(watchRenderings))
  const turn = { rounds, seconds: Math.ceil(seconds / rounds) }
  const latency = latencyTargets(await measureLatencies({ ours: three, limit }, turn, signal))
  const rendering = renderingTarget(await Promise.all(renderings.map(ofServer => ofServer())))
  await limit.stop()
  const load = await measureFirstLoad(three)
  await three.stop()
  return [...latency, rendering, ...(await measureOpenDashboards(testbed, { dashboards, seconds })), ...load]
}

/** The targets of the comparison: with the peers and the limit, and the memory of the board's servers under full load */
export function comparisonTargets(ratios: Ratios, board: Summary): Target[] {
  const target = (what: string, least: number, figure: number): Target => ({
    what: `page views/s against ${what}`,
    required: `${least} ×`,
    found: `${number(figure)} ×`,
    figure,
    met: figure >= least,
  })
  return [
    target('Flask, the original', 10, ratios.flask_seed),
    target('the ordinary Next way', 35, ratios.naive_next),
    target('the limit', 0.95, ratios.limit),
    memoryTarget('memory of a replica, full load', 180, board.memory_bytes / settingDefaults.replicas),
  ]
}

const perSecond = 500
const steadyTargetMs = 8
const aloneTargetMs = 6
const htmlTarget = 40_000

type Latency = { p50Ms: number; p99Ms: number; errors: number }

/** Of each turn. `steady`: at a steady rate. `alone`: of one visitor that requests the next page as soon as it has one. */
type Latencies = { steady: Latency[]; alone: Latency[] }

/** Loads the board and the limit in turns, in both ways. */
async function measureLatencies(
  { ours, limit }: Record<'ours' | 'limit', Contender>,
  { rounds, seconds }: { rounds: number; seconds: number },
  signal: AbortSignal,
): Promise<Record<'ours' | 'limit', Latencies>> {
  const found = { ours: { steady: [], alone: [] }, limit: { steady: [], alone: [] } }
  const takeTurn = async ({ url }: Contender, { steady, alone }: Latencies) => {
    // Does not count: after a pause the first page views wait for a rendering.
    await visitSteadily(url, { perSecond, seconds: 1 }, signal)
    steady.push(await visitSteadily(url, { perSecond, seconds }, signal))
    alone.push(await runWrk(url, { connections: 1, seconds }, signal))
  }
  for (let round = 0; round < rounds; round++) {
    await takeTurn(ours, found.ours)
    await takeTurn(limit, found.limit)
  }
  return found
}

function latencyTargets({ ours, limit }: Record<'ours' | 'limit', Latencies>): Target[] {
  const target = (what: string, most: number, turns: Latency[], limitTurns: Latency[]) => {
    const p99s = turns.map(({ p99Ms }) => p99Ms)
    const figure = median(p99s)
    const errors = turns.reduce((sum, turn) => sum + turn.errors, 0)
    const details = [
      `${number(Math.min(...p99s))} to ${number(Math.max(...p99s))}`,
      `p50 ${number(median(turns.map(({ p50Ms }) => p50Ms)))} ms`,
      `${errors} failed`,
      `the limit ${number(median(limitTurns.map(({ p99Ms }) => p99Ms)))} ms`,
    ]
    return {
      what: `${what}, ${settingDefaults.replicas} replicas`,
      required: `${most} ms`,
      found: `${number(figure)} ms (${details.join('; ')})`,
      figure,
      met: figure <= most && errors === 0,
    }
  }
  return [
    target(`p99 at ${perSecond} page views/s`, steadyTargetMs, ours.steady, limit.steady),
    target('p99 of one visitor alone', aloneTargetMs, ours.alone, limit.alone),
  ]
}

/** How often one server rendered, and the processor time of its Next's thread, which does nothing else */
type Renderings = { count: number; seconds: number }

/**
 * Starts a measurement of one server. The returned function gives what it has rendered since; it throws if that is nothing, or
 * if the kernel counts no processor time of threads.
 */
async function watchRenderings({
  pid,
  address,
}: Contender['servers'][number]): Promise<() => Promise<Renderings>> {
  const read = async () => ({
    count: await readMetric(address, 'balance_board_render_duration_seconds_count'),
    seconds: readThreadSeconds(pid, nextThreadName),
  })
  const before = await read()
  return async () => {
    const now = await read()
    const [count, seconds] = [now.count - before.count, now.seconds - before.seconds]
    if (count <= 0 || seconds <= 0) throw new Error(`${count} renderings took ${seconds} s of processor time`)
    return { count, seconds }
  }
}

/** a third of what was measured first, 13.5 ms: docs/decisions/rendering.md, 023 */
const renderingTargetMs = 4.5

function renderingTarget(servers: Renderings[]): Target {
  const msOf = ({ count, seconds }: Renderings) => (seconds / count) * 1000
  const count = servers.reduce((sum, server) => sum + server.count, 0)
  const figure = msOf({ count, seconds: servers.reduce((sum, server) => sum + server.seconds, 0) })
  const each = servers.map(msOf)
  return {
    what: `processor time of one rendering, ${settingDefaults.replicas} replicas`,
    required: `${renderingTargetMs} ms`,
    found: `${number(figure)} ms (${number(Math.min(...each))} to ${number(Math.max(...each))} by server; ${number(count)} renderings)`,
    figure,
    met: figure <= renderingTargetMs,
  }
}

const memoryTarget = (what: string, megabytesMost: number, bytes: number): Target => ({
  what,
  required: `${megabytesMost} MB`,
  found: megabytes(bytes),
  figure: bytes,
  met: bytes <= megabytesMost * 1e6,
})

const hitsPerSecond = 100
/** ms after its start until a replica is idle */
const settlingMs = 3000

/** What open dashboards cost one replica, and how soon they show a hit */
async function measureOpenDashboards(
  testbed: Testbed,
  { dashboards, seconds }: { dashboards: number; seconds: number },
): Promise<Target[]> {
  const { signal } = testbed
  const contender = await startContender(testbed, board, { replicas: 1 })
  await pause(settlingMs, null, { signal })
  const idle = readUsage(contender.servers.map(server => server.pid)).bytes
  const setting = { hitsPerSecond, seconds }
  const none = await measureDashboards(contender, { ...setting, dashboards: 0 }, signal)
  const open = await measureDashboards(contender, { ...setting, dashboards }, signal)
  await contender.stop()

  const all = number(dashboards)
  const { cores, bytes, delay, lost, errors } = open
  const reads = open.reads - none.reads
  const isValid = lost === 0 && errors === 0
  const failures = isValid ? '' : ` (${lost} dashboards cut off, ${errors} hits failed)`
  return [
    {
      what: `${all} dashboards on one replica at ${hitsPerSecond} hits/s: CPU of one core`,
      required: '60 %',
      found: `${number(cores * 100)} %${failures}`,
      figure: cores * 100,
      met: cores <= 0.6 && isValid,
    },
    {
      what: 'the same: p95 from hit to dashboard',
      required: '500 ms',
      found: `${delay.p95Ms} ms (p50 ${delay.p50Ms} ms; ${number(delay.delivered * 100)} % delivered)`,
      figure: delay.p95Ms,
      met: delay.p95Ms <= 500 && delay.delivered === 1 && isValid,
    },
    {
      what: 'the same: database queries a second for the dashboards',
      required: '4 a replica',
      found: `${number(reads)} (${number(none.reads)} without any)`,
      figure: reads,
      // None would mean that they were not seen: open dashboards need some.
      met: reads > 0 && Math.round(reads) <= 4,
    },
    memoryTarget('memory of a replica, idle', 110, idle),
    memoryTarget(`memory of a replica with ${all} dashboards`, 260, bytes),
  ]
}

/** Bytes of the page, whose log must be full by now, and of everything that its HTML references, compressed but for the HTML's own */
async function measureFirstLoad({ url }: Contender): Promise<Target[]> {
  const page = await getAsBrowser(url)
  const assets = await Promise.all(findAssets(textOf(page)).map(path => getAsBrowser(new URL(path, url))))
  const sum = (answers: BrowserAnswer[]) => answers.reduce((bytes, { body }) => bytes + body.length, 0)
  const scripts = assets.filter(({ response }) => response.headers['content-type']?.includes('javascript'))
  return [
    bytesTarget('HTML of the page', htmlTarget, Buffer.byteLength(textOf(page))),
    bytesTarget('first load, compressed: HTML', wireBudget.html, page.body.length),
    bytesTarget('first load, compressed: JavaScript', wireBudget.javascript, sum(scripts)),
    bytesTarget('first load, compressed: all', wireBudget.all, sum([page, ...assets])),
  ]
}

function textOf({ response, body }: BrowserAnswer): string {
  return (response.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8')
}

const bytesTarget = (what: string, most: number, bytes: number): Target => ({
  what,
  required: kilobytes(most),
  found: kilobytes(bytes),
  figure: bytes,
  met: bytes <= most,
})
