import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Protocol } from '../../lib/chromium.ts'
import { parseUsage } from '../harness/usage.ts'

/** Shares of a core, 1 for a whole core */
export type Shares = {
  /** the main thread of the page's process: script, style, layout and painting */
  mainThread: number
  /** the page's process with all threads, which also compose frames and draw tiles */
  renderer: number
  /** the process that draws the frames, on the processor if there is no graphics card */
  drawing: number
}

const processes = z.object({
  processInfo: z.array(z.looseObject({ type: z.string(), id: z.number() })),
})

/** What Chromium uses while `action` runs. No other page is open, so all its renderers belong to this page. */
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

/** Processor time in ms, which other users of the machine affect less than clock time */
type ProcessorTime = { mainThread: number; wholeProcess: number }

async function readProcessorTime(pid: number): Promise<ProcessorTime> {
  const read = async (path: string) => parseUsage(await readFile(path, 'utf8')).cpuSeconds * 1000
  return {
    mainThread: await read(`/proc/${pid}/task/${pid}/stat`),
    wholeProcess: await read(`/proc/${pid}/stat`),
  }
}

export type TraceEvent = z.output<typeof traceEvent>

/** Source: the Trace Event Format. Times in µs. */
const traceEvent = z.object({
  name: z.string(),
  /** X: lasts from `ts` for `dur`; I: an instant; M: metadata of a thread */
  ph: z.string(),
  pid: z.number(),
  tid: z.number(),
  ts: z.number(),
  dur: z.number().optional(),
  /** processor time within `dur` */
  tdur: z.number().optional(),
  args: z.looseObject({ name: z.unknown().optional() }).optional(),
})

const collected = z.object({ value: z.array(z.unknown()) })

/** tasks of every thread, and the times of displayed frames */
const includedCategories = [
  'disabled-by-default-devtools.timeline',
  'disabled-by-default-display.framedisplayed',
]

/** Records Chromium's trace while `action` runs. */
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

/** How the page ran, from a trace */
export type TraceFigures = {
  /** main-thread tasks longer than 50 and 100 clock ms, which include waits for a processor */
  over50: number
  over100: number
  /** clock ms, and processor ms */
  longestTask: number
  longestTaskRunning: number
  framesPerSecond: number
  /** ms between two displayed frames */
  longestGap: number
}

/** @throws if the trace has no page or no frames */
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
    throw new Error('the trace has no tasks of a page, or no frames')
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

/** The lists are too long for `Math.max(...values)`. */
function greatest(values: number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}
