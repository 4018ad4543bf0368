import { markdownTable } from '../harness/markdown-table.ts'
import type { BoardFigures } from './measure-board.ts'
import type { Shares } from './measure-shares.ts'

type Line = [what: string, read: (figures: BoardFigures) => string, target?: string]

const percent = (share: number) => `${(share * 100).toFixed(1)} %`
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`

const failuresText = (failures: Record<string, number>) =>
  Object.entries(failures)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ') || '0'

const sharesLines = (where: string, read: (figures: BoardFigures) => Shares, target: string): Line[] => [
  [`${where}: the page’s process, of a core`, figures => percent(read(figures).renderer), target],
  [`${where}: of that, its main thread`, figures => percent(read(figures).mainThread)],
  [`${where}: the process that draws, beside it`, figures => percent(read(figures).drawing)],
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
  ['the most that a task ran', ({ trace }) => ms(trace.longestTaskRunning)],
  ['keys and clicks heard', ({ input }) => `${input.heard} of ${input.sent}`, 'all'],
  ['their delay, middle', ({ input }) => ms(input.middleDelay)],
  ['their delay, longest', ({ input }) => ms(input.longestDelay)],
  [
    'layout shift by width',
    ({ shifts }) => shifts.map(({ width, score }) => `${width}: ${score.toFixed(4)}`).join(', '),
    '0',
  ],
  ['HTML', ({ wire }) => kilobytes(wire.html), '10 kB'],
  ['JavaScript', ({ wire }) => kilobytes(wire.javascript), '175 kB'],
  ['all', ({ wire: { html, javascript, css, rest } }) => kilobytes(html + javascript + css + rest), '200 kB'],
]

/**
 * Times by the clock are longer on a machine that others use too, and here it also holds the board and the load, of which
 * only the replicas yield to the page. Shares of a core are of the processor's time.
 */
export function reportText(boards: BoardFigures[]): string {
  const head = ['An open page', ...boards.map(({ replicas }) => `${replicas} servers`), 'wanted']
  const rows = lines.map(([what, read, target = '']) => [what, ...boards.map(read), target])
  const moved = boards.flatMap(({ shifts }) => shifts).filter(({ of }) => of.length > 0)
  return [
    markdownTable(head, rows),
    ...moved.map(({ width, of }) => `Moved at ${width} px: ${of.join(', ')}`),
  ].join('\n\n')
}
