// `npm run bench:page`: what an open page costs the reader's machine at a thousand visits a second, for each number of
// servers. Starts a temporary board (board.ts) and a browser, and measures processor time, frames and tasks
// (browser-performance.ts) and input delay, layout shift and bytes (web-vitals.ts).

import { setTimeout } from 'node:timers/promises'
import { buildIfChanged } from '../../launcher/stack/build.ts'
import { abortOnSignals, outliveTerminal, saySentences } from '../../lib/terminal.ts'
import { type Answer, visitMany } from '../../lib/visitors.ts'
import { parsePageOptions } from '../harness/options.ts'
import { markdownTable, say } from '../harness/report.ts'
import { hideTab, lowPriorityReplica, openBoard, startTemporaryBoard, usualWindow } from './board.ts'
import {
  measureShares,
  readTrace,
  recordTrace,
  type Shares,
  type TraceFigures,
} from './browser-performance.ts'
import {
  type InputFigures,
  measureInput,
  measureShift,
  measureWire,
  type ShiftFigures,
  type WireFigures,
  wireBudget,
} from './web-vitals.ts'

type Load = AsyncDisposable & {
  /** Ends the load. @returns its results */
  end(): Promise<LoadFigures>
}

/** `failures`: number of failed page views by reason, for example "overloaded" or "unanswered" */
type LoadFigures = { perSecond: number; failures: Record<string, number> }

const perSecond = 1000
/** upper limit of the load's duration */
const longestMs = 30 * 60_000

/** Sends a thousand visits of new visitors a second, if the machine can. */
function startLoad(url: string): Load {
  const stopping = new AbortController()
  const startedAt = performance.now()
  const answers = visitMany(`${url}/`, {
    connections: 32,
    perSecond,
    forMs: longestMs,
    until: stopping.signal,
  })
  async function end(): Promise<LoadFigures> {
    stopping.abort()
    return figuresOf(await answers, performance.now() - startedAt)
  }
  return {
    end,
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}

function figuresOf(answers: Answer[], lasted: number): LoadFigures {
  const failures: Record<string, number> = {}
  for (const { status, code } of answers) {
    if (status === 200) continue
    const reason = status === 0 ? 'unanswered' : (code ?? String(status))
    failures[reason] = (failures[reason] ?? 0) + 1
  }
  return { perSecond: (answers.length / lasted) * 1000, failures }
}

type BoardFigures = {
  replicas: number
  load: LoadFigures
  /** at the top of the page, at the log, and in a hidden tab */
  shares: { top: Shares; log: Shares; hidden: Shares }
  trace: TraceFigures
  input: InputFigures
  shifts: ShiftFigures[]
  wire: WireFigures
}

/** ms until a new page has settled */
const settlingMs = 4000
/** ms until the browser throttles the hidden tab, and then of the measurement */
const hiddenMs = 10_000
const widths = [360, 768, 1280, 2560]

/** Measures an open page of the board at `url` at a thousand visits a second. */
async function measureBoard(
  { url, replicas, seconds }: { url: string; replicas: number; seconds: number },
  signal: AbortSignal,
): Promise<BoardFigures> {
  const pause = (ms: number) => setTimeout(ms, undefined, { signal })
  const step = (text: string) => say(`${replicas} servers`, text)
  step('bytes of a first visit')
  const wire = await measureWire(url, signal)
  await using load = startLoad(url)
  // The first visits fill the log.
  await pause(settlingMs)
  const shifts: ShiftFigures[] = []
  for (const width of widths) {
    step(`layout shift, ${width} px`)
    shifts.push(await measureShift(url, width, signal))
  }
  await using page = await openBoard(url, usualWindow, signal)
  await pause(settlingMs)
  const sharesOver = (ms: number) => measureShares(page.browser, () => pause(ms))
  step(`processor time at the top, ${seconds} s`)
  const top = await sharesOver(seconds * 1000)
  step(`trace, ${seconds} s`)
  const trace = readTrace(await recordTrace(page.browser, () => pause(seconds * 1000)))
  step('keys and clicks')
  const input = await measureInput(page, signal)
  await pause(settlingMs)
  step(`processor time at the log, ${seconds} s`)
  const log = await sharesOver(seconds * 1000)
  step('hidden')
  await hideTab(page, signal)
  await pause(hiddenMs)
  const hidden = await sharesOver(hiddenMs)
  return { replicas, load: await load.end(), shares: { top, log, hidden }, trace, input, shifts, wire }
}

type Line = [what: string, read: (figures: BoardFigures) => string, target?: string]

const percent = (share: number) => `${(share * 100).toFixed(1)} %`
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`

const failuresText = (failures: Record<string, number>) =>
  Object.entries(failures)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ') || '0'

const sharesLines = (where: string, read: (figures: BoardFigures) => Shares, target: string): Line[] => [
  [`${where}: the page’s process, share of a core`, figures => percent(read(figures).renderer), target],
  [`${where}: of that, its main thread`, figures => percent(read(figures).mainThread)],
  [`${where}: the process that draws, in addition`, figures => percent(read(figures).drawing)],
]

const lines: Line[] = [
  ['visits a second', ({ load }) => load.perSecond.toFixed(0), '1,000'],
  ['visits that failed', ({ load }) => failuresText(load.failures), '0'],
  ...sharesLines('top', ({ shares }) => shares.top, 'under 20 %'),
  ...sharesLines('log', ({ shares }) => shares.log, 'under 20 %'),
  ...sharesLines('hidden tab', ({ shares }) => shares.hidden, 'about 0 %'),
  ['frames a second', ({ trace }) => trace.framesPerSecond.toFixed(1), '60'],
  ['longest time between two frames', ({ trace }) => ms(trace.longestGap)],
  ['tasks over 50 ms', ({ trace }) => String(trace.over50)],
  ['tasks over 100 ms', ({ trace }) => String(trace.over100), '0'],
  ['longest task', ({ trace }) => ms(trace.longestTask)],
  ['most processor time of a task', ({ trace }) => ms(trace.longestTaskRunning)],
  ['keys and clicks received', ({ input }) => `${input.received} of ${input.sent}`, 'all'],
  ['their delay, median', ({ input }) => ms(input.medianDelay)],
  ['their delay, longest', ({ input }) => ms(input.longestDelay)],
  [
    'layout shift by width',
    ({ shifts }) => shifts.map(({ width, score }) => `${width}: ${score.toFixed(4)}`).join(', '),
    '0',
  ],
  ['HTML', ({ wire }) => kilobytes(wire.html), kilobytes(wireBudget.html)],
  ['JavaScript', ({ wire }) => kilobytes(wire.javascript), kilobytes(wireBudget.javascript)],
  [
    'all',
    ({ wire: { html, javascript, css, other } }) => kilobytes(html + javascript + css + other),
    kilobytes(wireBudget.all),
  ],
]

/**
 * Clock times are longer on a shared machine. This one also runs the board and the load, of which only the replicas have a
 * lower priority than the page. Shares of a core are processor time.
 */
function reportText(boards: BoardFigures[]): string {
  const head = ['An open page', ...boards.map(({ replicas }) => `${replicas} servers`), 'target']
  const rows = lines.map(([what, read, target = '']) => [what, ...boards.map(read), target])
  const moved = boards.flatMap(({ shifts }) => shifts).filter(({ of }) => of.length > 0)
  return [
    markdownTable(head, rows),
    ...moved.map(({ width, of }) => `Moved at ${width} px: ${of.join(', ')}`),
  ].join('\n\n')
}

outliveTerminal()
const signal = abortOnSignals(() => {})

await saySentences(async () => {
  const { seconds, replicas, json } = parsePageOptions(process.argv.slice(2))
  const boards: BoardFigures[] = []
  try {
    await buildIfChanged(say, signal)
    for (const count of replicas) {
      await using board = await startTemporaryBoard(count, signal, lowPriorityReplica())
      boards.push(await measureBoard({ url: board.url, replicas: count, seconds }, signal))
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
  console.log(json ? JSON.stringify({ seconds, boards }, null, 2) : reportText(boards))
})
