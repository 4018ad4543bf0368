import { setTimeout } from 'node:timers/promises'
import { say } from '../harness/say.ts'
import { hideTab } from './hide-tab.ts'
import { type LoadFigures, startLoad } from './load.ts'
import { type InputFigures, measureInput } from './measure-input.ts'
import { measureShares, type Shares } from './measure-shares.ts'
import { measureShift, type ShiftFigures } from './measure-shift.ts'
import { measureWire, type WireFigures } from './measure-wire.ts'
import { openBoard, usualWindow } from './open-board.ts'
import { readTrace, type TraceFigures } from './read-trace.ts'
import { recordTrace } from './record-trace.ts'

export type BoardFigures = {
  replicas: number
  load: LoadFigures
  /** at the top of the page, where the picture is, and at the log */
  shares: { top: Shares; log: Shares; hidden: Shares }
  trace: TraceFigures
  input: InputFigures
  shifts: ShiftFigures[]
  wire: WireFigures
}

/** Until what a page does at its beginning is over. */
const settlingMs = 4000
/** First until the browser has put it away, then measured. */
const hiddenMs = 10_000
const widths = [360, 768, 1280, 2560]

/** An open page of the board at `url`, while a thousand visits a second come in. */
export async function measureBoard(
  { url, replicas, seconds }: { url: string; replicas: number; seconds: number },
  signal: AbortSignal,
): Promise<BoardFigures> {
  const pause = (ms: number) => setTimeout(ms, undefined, { signal })
  const step = (text: string) => say(`${replicas} servers`, text)
  step('bytes of a first visit')
  const wire = await measureWire(url, signal)
  await using load = startLoad(url)
  // The very first visits lengthen the log, row by row.
  await pause(settlingMs)
  const shifts: ShiftFigures[] = []
  for (const width of widths) {
    step(`layout shift, ${width} px`)
    shifts.push(await measureShift(url, width, signal))
  }
  await using page = await openBoard(url, usualWindow, signal)
  await pause(settlingMs)
  const sharesOver = (ms: number) => measureShares(page.browser, () => pause(ms))
  step(`processor’s time at the top, ${seconds} s`)
  const top = await sharesOver(seconds * 1000)
  step(`trace, ${seconds} s`)
  const trace = readTrace(await recordTrace(page.browser, () => pause(seconds * 1000)))
  step('keys and clicks')
  const input = await measureInput(page, signal)
  await pause(settlingMs)
  step(`processor’s time at the log, ${seconds} s`)
  const log = await sharesOver(seconds * 1000)
  step('hidden')
  await hideTab(page, signal)
  await pause(hiddenMs)
  const hidden = await sharesOver(hiddenMs)
  return { replicas, load: await load.end(), shares: { top, log, hidden }, trace, input, shifts, wire }
}
