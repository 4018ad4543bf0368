import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Contender } from '../contenders/contender.ts'
import { countReads, readCountTimes } from '../harness/database.ts'
import { visitSteadily } from '../harness/load.ts'
import { readUsage, watchCores } from '../harness/usage.ts'
import { type Delays, delaysOf, type Order, type Tick, type Word, wordSchema } from './arrivals.ts'

/** What open dashboards cost, and how soon they know. */
type DashboardFigures = {
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

/** Dashboards that are open, in a process of their own. */
type HeldDashboards = {
  begin: () => void
  /** what has arrived since `begin`, and how many dashboards were cut off */
  end: () => Promise<{ ticks: Tick[]; lost: number }>
  close: () => Promise<void>
}

/** Resolves when all are open. @throws when one cannot be opened */
async function holdDashboards(url: string, count: number, signal: AbortSignal): Promise<HeldDashboards> {
  const holder = fork(join(import.meta.dirname, 'dashboard-process.ts'), [url, String(count)], { signal })
  const exited = new Promise(resolve => holder.once('exit', resolve))
  holder.on('error', () => {}) // after an abort nobody may be waiting for its word
  const order = (word: Order) => holder.send(word)
  await nextWord(holder)
  return {
    begin: () => order('begin'),
    async end() {
      order('end')
      const word = await nextWord(holder)
      if (!('ticks' in word)) throw new Error('the holder of the dashboards did not say what arrived')
      return word
    },
    async close() {
      if (holder.connected) holder.disconnect()
      await exited
    },
  }
}

function nextWord(holder: ChildProcess): Promise<Word> {
  const { promise, resolve, reject } = Promise.withResolvers<Word>()
  const ended = () => reject(new Error('the holder of the dashboards ended'))
  holder.once('exit', ended).once('error', reject)
  holder.once('message', message => {
    holder.off('exit', ended).off('error', reject)
    resolve(wordSchema.parse(message))
  })
  return promise
}
