import type { TraceEvent } from './record-trace.ts'

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
