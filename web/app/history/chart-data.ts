import type { History } from '../../shared/api.ts'
import { defaultHistoryRange, type HistoryRange, historyRangeNames } from '../../shared/limits.ts'
import type { Hues } from '../live/live-board.ts'

type Range = {
  label: string
  /** the time that a bar covers, in several forms */
  bar: string
  period: string
  per: string
  /** how often the panel reads it again */
  refreshMs: number
  /** the last bar has a time under it, and from there every so many bars */
  labelEvery: number
}

export const ranges: Record<HistoryRange, Range> = {
  '5m': { label: '5 min', bar: '1 minute', period: 'minute', per: 'min', refreshMs: 3_000, labelEvery: 1 },
  '1h': { label: '1 h', bar: '1 minute', period: 'minute', per: 'min', refreshMs: 5_000, labelEvery: 15 },
  '24h': {
    label: '24 h',
    bar: '10 minutes',
    period: '10 minutes',
    per: '10 min',
    refreshMs: 30_000,
    labelEvery: 36,
  },
}

/** The range in the page's address; the default if there is none, or an unknown one. */
export function rangeOf(text: string): HistoryRange {
  return historyRangeNames.find(name => name === text) ?? defaultHistoryRange
}

/** The hits of a server over time. All servers without a colour are one series. */
export type Series = { key: string; name: string; hue: number | undefined; hits: number[] }

const earlier = { key: 'earlier', name: 'earlier servers', hue: undefined }

/** One series for each colour, in the colours' order. The instances of one address are one series, with the last name. */
export function seriesOf({ times, servers }: History, hues: Hues): Series[] {
  const byKey = new Map<string, Series>()
  for (const { srv_id, name, hits } of servers) {
    const hue = hues[srv_id]
    const base = hue === undefined ? earlier : { key: srv_id, name, hue }
    const before = byKey.get(base.key)?.hits
    byKey.set(base.key, { ...base, hits: times.map((_, at) => (before?.[at] ?? 0) + (hits[at] ?? 0)) })
  }
  return [...byKey.values()].sort((a, b) => (a.hue ?? Number.MAX_VALUE) - (b.hue ?? Number.MAX_VALUE))
}

/** The highest bar; 0 if there are none. */
export function peakOf(hits: number[]): number {
  return Math.max(0, ...hits)
}

/** The hits of all series, bar by bar. */
export function totalsOf(series: Series[], length: number): number[] {
  return Array.from({ length }, (_, at) => series.reduce((sum, { hits }) => sum + (hits[at] ?? 0), 0))
}

/** The end of the axis: the smallest of 2, 4, 6, 8, 10, 20, 40, … that is enough. Its half is a whole number, too. */
export function axisTop(peak: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, peak))))
  const digit = [1, 2, 4, 6, 8].find(digit => digit * power >= peak)
  return digit === undefined ? 10 * power : Math.max(2, digit * power)
}

/** Part of its slot that a bar fills. */
const barWidth = 0.8

/**
 * Stacked bars as SVG paths, one a series, the first at the bottom. The box is 1 wide for each bar and 1 high, with y pointing
 * down. A path is empty if its series has no hits.
 */
export function stackedBars(series: Series[], top: number): string[] {
  const heights: number[] = []
  return series.map(({ hits }) =>
    hits
      .map((count, at) => {
        const from = heights[at] ?? 0
        heights[at] = from + count
        return count > 0 ? bar(at, from / top, count / top) : ''
      })
      .join(''),
  )
}

function bar(at: number, from: number, height: number): string {
  return `M${short(at + (1 - barWidth) / 2)} ${short(1 - from)}h${barWidth}v${short(-height)}h${-barWidth}z`
}

function short(value: number): number {
  return Math.round(value * 1e4) / 1e4
}

/** Where a time is in the history, 0 to 1. */
export function placeOf(
  at: string,
  { times, bucket_seconds }: Pick<History, 'times' | 'bucket_seconds'>,
): number {
  const start = Date.parse(times[0] ?? at)
  return Math.min(1, (Date.parse(at) - start) / (times.length * bucket_seconds * 1000))
}

/** Formats a time to the minute. Locale and zone default to the browser's. */
export function clockFormat(locale?: string, timeZone?: string): (iso: string) => string {
  const format = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    ...(timeZone !== undefined && { timeZone }),
  })
  return iso => format.format(new Date(iso))
}

/** The indexes of the bars with a time under them: the last, and from there back every `every` bars. */
export function labelledBars(count: number, every: number): number[] {
  const last = count - 1
  return Array.from({ length: Math.floor(last / every) + 1 }, (_, step) => last - step * every).reverse()
}

let clock: ((iso: string) => string) | undefined

/** Formats the chart's times in the browser's zone and locale. The chart is never in the HTML. */
export function useClock(): (iso: string) => string {
  clock ??= clockFormat()
  return clock
}
