// Measures open dashboards. A separate process (arrivals.ts) holds the streams, so that reading them does not delay
// the load of this process; arrivals.ts also decodes them and computes the delays. Called by targets.ts and growth.ts.

import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Contender } from '../contenders/contender.ts'
import { countReads, readCountTimes } from '../harness/database.ts'
import { visitSteadily } from '../harness/load.ts'
import { readUsage, watchCores } from '../harness/usage.ts'
import {
  type Command,
  type DashboardReport,
  type Delays,
  delaysOf,
  reportSchema,
  type Tick,
} from './arrivals.ts'

/** What open dashboards cost, and how soon they show a hit */
type DashboardFigures = {
  dashboards: number
  /** average number that the board's servers use */
  cores: number
  /** servers' memory at the end */
  bytes: number
  /** from a hit's time to the dashboard */
  delay: Delays
  /** read queries per second, without those of batches and upkeep */
  reads: number
  /** disconnected dashboards */
  lost: number
  /** hits that failed */
  errors: number
}

type Setting = { dashboards: number; hitsPerSecond: number; seconds: number }

/** Opens dashboards on a board and sends it hits. The hits request JSON, because a page would add reads. */
export async function measureDashboards(
  board: Contender,
  { dashboards, hitsPerSecond, seconds }: Setting,
  signal: AbortSignal,
): Promise<DashboardFigures> {
  const groups = board.servers.map(server => server.pid)
  const pace = { perSecond: hitsPerSecond, headers: { Accept: 'application/json' } }
  const held = await holdDashboards(board.url, dashboards, signal)
  try {
    await visitSteadily(board.url, { ...pace, seconds: 2 }, signal) // lets the cost of opening fade
    const readsSince = await countReads(board.databaseUrl)
    const startedAt = performance.now()
    const cores = watchCores(groups)
    held.begin()
    const { errors } = await visitSteadily(board.url, { ...pace, seconds }, signal)
    const { ticks, lost } = await held.end()
    const used = cores()
    const elapsed = (performance.now() - startedAt) / 1000
    const reads = await readsSince()
    const first = Math.min(...ticks.map(tick => tick.counter))
    const countedAt = ticks.length > 0 ? await readCountTimes(board.databaseUrl, first) : new Map()
    return {
      dashboards,
      cores: used,
      bytes: readUsage(groups).bytes,
      delay: delaysOf(ticks, countedAt, dashboards),
      reads: reads / elapsed,
      lost,
      errors,
    }
  } finally {
    await held.close()
  }
}

/** Cores that a board without visitors uses on average, with one dashboard open */
type IdleCores = { servers: number; database: number }

/** Measures for that many seconds. A load before has 5 s to fade: until then servers show its rate and render more often. */
export async function measureIdle(
  board: Contender,
  databasePid: number,
  seconds: number,
  signal: AbortSignal,
): Promise<IdleCores> {
  const held = await holdDashboards(board.url, 1, signal)
  try {
    await pause(5000, null, { signal })
    const servers = watchCores(board.servers.map(({ pid }) => pid))
    const database = watchCores([databasePid])
    await pause(seconds * 1000, null, { signal })
    return { servers: servers(), database: database() }
  } finally {
    await held.close()
  }
}

/** Open dashboards in a separate process */
type HeldDashboards = {
  begin: () => void
  /** what has arrived since `begin`, and the number of disconnected dashboards */
  end: () => Promise<{ ticks: Tick[]; lost: number }>
  close: () => Promise<void>
}

/** Resolves when all are open. @throws if one cannot be opened */
async function holdDashboards(url: string, count: number, signal: AbortSignal): Promise<HeldDashboards> {
  const child = fork(join(import.meta.dirname, 'arrivals.ts'), [url, String(count)], { signal })
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.on('error', () => {}) // after an abort nothing may wait for its report
  const send = (command: Command) => child.send(command)
  await nextReport(child)
  return {
    begin: () => send('begin'),
    async end() {
      send('end')
      const report = await nextReport(child)
      if (!('ticks' in report)) throw new Error('the dashboard process did not report what arrived')
      return report
    },
    async close() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

function nextReport(child: ChildProcess): Promise<DashboardReport> {
  const { promise, resolve, reject } = Promise.withResolvers<DashboardReport>()
  const ended = () => reject(new Error('the dashboard process ended'))
  child.once('exit', ended).once('error', reject)
  child.once('message', message => {
    child.off('exit', ended).off('error', reject)
    resolve(reportSchema.parse(message))
  })
  return promise
}
