import type { Contender } from '../contenders/contender.ts'
import { countReads } from '../harness/count-reads.ts'
import { readCountTimes } from '../harness/read-count-times.ts'
import { readUsage } from '../harness/read-usage.ts'
import { visitSteadily } from '../harness/visit-steadily.ts'
import { watchCores } from '../harness/watch-cores.ts'
import { type Delays, delaysOf } from './delays.ts'
import { holdDashboards } from './hold-dashboards.ts'

/** What open dashboards cost, and how soon they know. */
export type DashboardFigures = {
  dashboards: number
  /** in use by the board's servers, on average */
  cores: number
  /** memory of the servers at the end */
  bytes: number
  /** from a hit's own time to the dashboard */
  delay: Delays
  /** queries a second that read, but for those of batches and upkeep */
  reads: number
  /** dashboards that were cut off */
  lost: number
  /** hits that failed */
  errors: number
}

type Setting = { dashboards: number; hitsPerSecond: number; seconds: number }

/** Opens dashboards on a board, and sends it hits meanwhile. These ask for JSON: a page would be read for as well. */
export async function measureDashboards(
  board: Contender,
  { dashboards, hitsPerSecond, seconds }: Setting,
  signal: AbortSignal,
): Promise<DashboardFigures> {
  const groups = board.servers.map(server => server.pid)
  const pace = { perSecond: hitsPerSecond, headers: { Accept: 'application/json' } }
  const held = await holdDashboards(board.url, dashboards, signal)
  try {
    await visitSteadily(board.url, { ...pace, seconds: 2 }, signal) // until the opening itself costs nothing any more
    const readsSince = await countReads(board.databaseUrl)
    const begun = performance.now()
    const cores = watchCores(groups)
    held.begin()
    const { errors } = await visitSteadily(board.url, { ...pace, seconds }, signal)
    const { ticks, lost } = await held.end()
    const used = cores()
    const elapsed = (performance.now() - begun) / 1000
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
