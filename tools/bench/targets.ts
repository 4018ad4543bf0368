import { setTimeout as pause } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { board, type Contender, startContender } from './contenders/contender.ts'
import { measureDashboards } from './dashboards/measure-dashboards.ts'
import { type BrowserAnswer, findAssets, getAsBrowser, visitSteadily } from './harness/load.ts'
import type { Extent } from './harness/options.ts'
import { kilobytes, megabytes, number } from './harness/report.ts'
import type { Ratios } from './harness/rounds.ts'
import type { Testbed } from './harness/testbed.ts'
import { readUsage } from './harness/usage.ts'
import { wireBudget } from './page/web-vitals.ts'

/** A performance target of the board. `found` is the result in words, `figure` as a number for programs. */
export type Target = { what: string; asked: string; found: string; figure: number; met: boolean }

/** Measures all targets except the comparison, each on a board that has just started. */
export async function measureTargets(
  testbed: Testbed,
  { dashboards, targetSeconds: seconds }: Extent,
): Promise<Target[]> {
  const three = await startContender(testbed, board)
  const latency = await measureSteadyLatency(three, seconds, testbed.signal)
  const load = await measureFirstLoad(three)
  await three.stop()
  return [...latency, ...(await measureOpenDashboards(testbed, { dashboards, seconds })), ...load]
}

/** The targets of the comparison with the peers and the limit */
export function ratioTargets(ratios: Ratios): Target[] {
  const target = (what: string, least: number, figure: number): Target => ({
    what: `page views/s against ${what}`,
    asked: `${least} ×`,
    found: `${number(figure)} ×`,
    figure,
    met: figure >= least,
  })
  return [
    target('Flask, the original', 8, ratios.flask_seed),
    target('the ordinary Next way', 25, ratios.naive_next),
    target('the limit', 0.8, ratios.limit),
  ]
}

const perSecond = 500
const targetMs = 25

/** p99 at a steady rate, after a warm-up of the same length that does not count */
async function measureSteadyLatency(
  board: Contender,
  seconds: number,
  signal: AbortSignal,
): Promise<Target[]> {
  const pace = { perSecond, seconds }
  await visitSteadily(board.url, pace, signal) // warm-up
  const { p50Ms, p99Ms, errors } = await visitSteadily(board.url, pace, signal)
  return [
    {
      what: `p99 at ${perSecond} page views/s, ${board.servers.length} replicas`,
      asked: `${targetMs} ms`,
      found: `${number(p99Ms)} ms (p50 ${number(p50Ms)} ms, ${errors} failed)`,
      figure: p99Ms,
      met: p99Ms <= targetMs && errors === 0,
    },
  ]
}

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
      asked: '60 %',
      found: `${number(cores * 100)} %${failures}`,
      figure: cores * 100,
      met: cores <= 0.6 && isValid,
    },
    {
      what: 'the same: p95 from hit to dashboard',
      asked: '500 ms',
      found: `${delay.p95Ms} ms (p50 ${delay.p50Ms} ms; ${number(delay.delivered * 100)} % delivered)`,
      figure: delay.p95Ms,
      met: delay.p95Ms <= 500 && delay.delivered === 1 && isValid,
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

/** Compressed bytes of the page, whose log must be full by now, and of everything that its HTML references */
async function measureFirstLoad({ url }: Contender): Promise<Target[]> {
  const page = await getAsBrowser(url)
  const assets = await Promise.all(findAssets(textOf(page)).map(path => getAsBrowser(new URL(path, url))))
  const sum = (answers: BrowserAnswer[]) => answers.reduce((bytes, { body }) => bytes + body.length, 0)
  const scripts = assets.filter(({ response }) => response.headers['content-type']?.includes('javascript'))
  return [
    bytesTarget('HTML', wireBudget.html, page.body.length),
    bytesTarget('JavaScript', wireBudget.javascript, sum(scripts)),
    bytesTarget('all', wireBudget.all, sum([page, ...assets])),
  ]
}

function textOf({ response, body }: BrowserAnswer): string {
  return (response.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8')
}

const bytesTarget = (what: string, most: number, bytes: number): Target => ({
  what: `first load, compressed: ${what}`,
  asked: kilobytes(most),
  found: kilobytes(bytes),
  figure: bytes,
  met: bytes <= most,
})
