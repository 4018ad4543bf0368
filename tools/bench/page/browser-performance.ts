import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Protocol } from '../../lib/chromium.ts'

/** Shares of a core, 1 = all of it. */
export type Shares = {
  /** of the page's process: its script, style, layout and painting */
  mainThread: number
  /** of the same with its other threads, which put together frames and draw tiles */
  renderer: number
  /** of the process that draws the frames, which a machine without a graphics card does by itself */
  drawing: number
}

const processes = z.object({
  processInfo: z.array(z.looseObject({ type: z.string(), id: z.number() })),
})

/** What Chromium used while `action` ran. It has no other page open, so all its renderers are the page's. */
export async function measureShares(browser: Protocol, action: () => Promise<void>): Promise<Shares> {
  const { processInfo } = processes.parse(await browser.send('SystemInfo.getProcessInfo'))
  const pidsOf = (type: string) => processInfo.filter(one => one.type === type).map(({ id }) => id)
  const used = async (type: string) => {
    const times = await Promise.all(pidsOf(type).map(readProcessorTime))
    return {
      main: times.reduce((sum, { mainThread }) => sum + mainThread, 0),
      whole: times.reduce((sum, { wholeProcess }) => sum + wholeProcess, 0),
    }
  }
  const all = async () => ({
    at: performance.now(),
    page: await used('renderer'),
    drawing: await used('GPU'),
  })
  const before = await all()
  await action()
  const after = await all()
  const lasted = after.at - before.at
  return {
    mainThread: (after.page.main - before.page.main) / lasted,
    renderer: (after.page.whole - before.page.whole) / lasted,
    drawing: (after.drawing.whole - before.drawing.whole) / lasted,
  }
}

/** Time of the processor that was used, in ms: what a shared machine cannot blur, other than time on the clock. */
type ProcessorTime = { mainThread: number; wholeProcess: number }

/** Linux counts in hundredths of a second, wherever it runs. Source: proc(5), sysconf(_SC_CLK_TCK). */
const tickMs = 10

async function readProcessorTime(pid: number): Promise<ProcessorTime> {
  const read = async (path: string) => ticksOf(await readFile(path, 'utf8')) * tickMs
  return {
    mainThread: await read(`/proc/${pid}/task/${pid}/stat`),
    wholeProcess: await read(`/proc/${pid}/stat`),
  }
}

/** utime + stime of a stat line. The second field is a name in brackets, which may hold anything. */
export function ticksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

export type TraceEvent = z.output<typeof traceEvent>

/** Source: the Trace Event Format. Times in µs. */
const traceEvent = z.object({
  name: z.string(),
  /** X: lasts from `ts` for `dur`; I: a moment; M: says something of a thread */
  ph: z.string(),
  pid: z.number(),
  tid: z.number(),
  ts: z.number(),
  dur: z.number().optional(),
  /** of `dur`, what the thread was running */
  tdur: z.number().optional(),
  args: z.looseObject({ name: z.unknown().optional() }).optional(),
})

const collected = z.object({ value: z.array(z.unknown()) })

/** Tasks of every thread, and when frames reached the screen. */
const includedCategories = [
  'disabled-by-default-devtools.timeline',
  'disabled-by-default-display.framedisplayed',
]

/** Chromium's own record of what it did while `action` ran. */
export async function recordTrace(browser: Protocol, action: () => Promise<void>): Promise<TraceEvent[]> {
  const parts = browser.events('Tracing.dataCollected')
  const complete = browser.events('Tracing.tracingComplete')
  await browser.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories, excludedCategories: ['*'] },
  })
  await action()
  await browser.send('Tracing.end')
  while (complete.length === 0) await pause(50)
  const events = parts.flatMap(part => collected.parse(part).value)
  return events.flatMap(event => traceEvent.safeParse(event).data ?? [])
}

/** What a trace says of how the page ran. */
export type TraceFigures = {
  /** tasks of the main thread longer than that, ms by the clock: also while the thread had to wait for a processor */
  over50: number
  over100: number
  /** ms by the clock, and of the processor's time */
  longestTask: number
  longestTaskRunning: number
  framesPerSecond: number
  /** ms between two frames that reached the screen */
  longestGap: number
}

/** @throws when it is not the trace of a page that was drawn */
export function readTrace(events: TraceEvent[]): TraceFigures {
  const pages = events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
  const threads = new Set(pages.map(({ pid, tid }) => `${pid} ${tid}`))
  const tasks = events.filter(
    ({ name, ph, pid, tid }) => name === 'RunTask' && ph === 'X' && threads.has(`${pid} ${tid}`),
  )
  const frames = events
    .filter(({ name }) => name === 'Display::FrameDisplayed')
    .map(({ ts }) => ts / 1000)
    .sort((a, b) => a - b)
  if (tasks.length === 0 || frames.length < 2)
    throw new Error('the trace holds no tasks of a page, or no frames')
  const lengths = tasks.map(({ dur = 0 }) => dur / 1000)
  const gaps = frames.slice(1).map((at, place) => at - (frames[place] ?? at))
  return {
    over50: lengths.filter(ms => ms > 50).length,
    over100: lengths.filter(ms => ms > 100).length,
    longestTask: greatest(lengths),
    longestTaskRunning: greatest(tasks.map(({ tdur = 0 }) => tdur / 1000)),
    framesPerSecond: (gaps.length / gaps.reduce((sum, gap) => sum + gap, 0)) * 1000,
    longestGap: greatest(gaps),
  }
}

/** Lists here are too long for Math.max. */
function greatest(values: number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}
