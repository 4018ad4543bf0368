import { availableParallelism, cpus, totalmem } from 'node:os'
import { findNginx } from '../../../nginx/find-nginx.ts'
import { findDatabaseServer } from '../../launcher/database-server/server-program.ts'
import type { Report } from '../../lib/terminal.ts'

/** Prints progress to standard error. Standard output holds only results. */
export const say: Report = (part, text) => console.error(`${part.padEnd(18)}${text}`)

const format = (maximumFractionDigits: number) => new Intl.NumberFormat('en-GB', { maximumFractionDigits })
const whole = format(0)
const fine = format(2)

/** "4,312" and "12.35" */
export const number = (figure: number) => (Math.abs(figure) < 100 ? fine : whole).format(figure)
export const megabytes = (bytes: number) => `${whole.format(bytes / 1e6)} MB`
export const kilobytes = (bytes: number) => `${fine.format(bytes / 1000)} kB`

/** A Markdown table, padded to read well as plain text: first column left, others right */
export function markdownTable(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map(row => row[column]?.length ?? 0)),
  )
  const line = (cells: string[]) =>
    `| ${widths.map((width, column) => pad(cells[column] ?? '', width, column)).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}

const pad = (text: string, width: number, column: number) =>
  column === 0 ? text.padEnd(width) : text.padStart(width)

/** The machine and the versions, in one line */
export async function machineText(): Promise<string> {
  const [nginx, database] = await Promise.all([findNginx(), findDatabaseServer()])
  const gigabytes = Math.round(totalmem() / 1e9)
  return [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() || 'unknown'}), ${gigabytes} GB`,
    `Node ${process.versions.node}`,
    `NGINX ${nginx?.version}, ${nginx?.native ? 'native' : 'map-based'} sticky cookie`,
    `${database?.flavour} ${database?.version}`,
  ].join('; ')
}

/** A line plot of one quantity over another */
export type Plot = {
  title: string
  /** axis labels with units */
  x: string
  y: string
  xScale: 'linear' | 'logarithmic'
  points: { x: number; y: number }[]
}

const width = 640
const height = 320
/** between the edge and the axes */
const margin = { top: 48, right: 28, bottom: 52, left: 64 }

/** Follows the reader's theme. The background is transparent. */
const style = `
text { font: 12px system-ui, sans-serif; fill: #5a6472 }
.title { font-size: 14px; font-weight: 600; fill: #171c24 }
.grid { stroke: #5a6472; stroke-opacity: 0.2 }
.line { fill: none; stroke: #0072b2; stroke-width: 2 }
.point { fill: #0072b2 }
@media (prefers-color-scheme: dark) {
  text { fill: #98a2b0 }
  .title { fill: #e6e9ee }
  .grid { stroke: #98a2b0 }
  .line { stroke: #3d9be0 }
  .point { fill: #3d9be0 }
}
`

const short = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 })

/** The plot as SVG, with its values as a description for screen readers */
export function plotSvg({ title, x, y, xScale, points }: Plot): string {
  const across = (xScale === 'linear' ? linearScale : logScale)(points.map(point => point.x))
  const up = linearScale(points.map(point => point.y))
  const left = (figure: number) =>
    round(margin.left + across.place(figure) * (width - margin.left - margin.right))
  const top = (figure: number) =>
    round(height - margin.bottom - up.place(figure) * (height - margin.top - margin.bottom))
  const values = points.map(point => `${short.format(point.x)}: ${short.format(point.y)}`).join(', ')
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${title}</title><desc>${y} by ${x}: ${values}</desc><style>${style}</style>`,
    text('title', margin.left, 20, 'start', title),
    text('name', margin.left, 38, 'start', y),
    text('name', (margin.left + width - margin.right) / 2, height - 12, 'middle', x),
    ...up.ticks.flatMap(tick => [
      `<path class="grid" d="M${margin.left} ${top(tick)}H${width - margin.right}"/>`,
      text('tick', margin.left - 8, top(tick) + 4, 'end', short.format(tick)),
    ]),
    ...across.ticks.map(tick =>
      text('tick', left(tick), height - margin.bottom + 20, 'middle', short.format(tick)),
    ),
    `<polyline class="line" points="${points.map(point => `${left(point.x)},${top(point.y)}`).join(' ')}"/>`,
    ...points.map(point => `<circle class="point" cx="${left(point.x)}" cy="${top(point.y)}" r="3.5"/>`),
    '</svg>\n',
  ].join('\n')
}

const text = (name: string, x: number, y: number, anchor: 'start' | 'middle' | 'end', words: string) =>
  `<text class="${name}" x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`

const round = (pixels: number) => Math.round(pixels * 10) / 10

/** Maps a value to 0–1, and lists the labelled values */
type Scale = { place: (figure: number) => number; ticks: number[] }

/** from 0 to a round value at or above the highest */
export function linearScale(figures: number[]): Scale {
  const highest = Math.max(...figures, 0) || 1
  const step = roundStep(highest / 4)
  const steps = Math.ceil(highest / step)
  return {
    place: figure => figure / (steps * step),
    ticks: Array.from({ length: steps + 1 }, (_, index) => index * step),
  }
}

/** Logarithmic, from the lowest to the highest value. Every value is labelled. */
export function logScale(figures: number[]): Scale {
  const ticks = [...new Set(figures)].sort((a, b) => a - b)
  const [low, high] = [Math.log(ticks[0] ?? 1), Math.log(ticks.at(-1) ?? 1)]
  return { place: figure => (high === low ? 0 : (Math.log(figure) - low) / (high - low)), ticks }
}

/** `step` rounded up to 1, 2 or 5 times a power of ten */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step))
  return ([1, 2, 5].find(factor => factor * power >= step) ?? 10) * power
}
