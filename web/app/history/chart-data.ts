import type { History } from '../../shared/api.ts'
import { defaultHistoryRange, type HistoryRange, historyRangeNames } from '../../shared/limits.ts'
import type { Hues } from '../live/live-board.ts'

type Range = {
  label: string
  /** of what a bar counts the hits */
  bar: string
  /** how often it is asked for anew */
  refreshMs: number
  /** a time is written under every so many bars, reckoned from the last */
  labelEvery: number
}

export const ranges: Record<HistoryRange, Range> = {
  '5m': { label: '5 min', bar: 'a minute', refreshMs: 3_000, labelEvery: 1 },
  '1h': { label: '1 h', bar: 'a minute', refreshMs: 5_000, labelEvery: 15 },
  '24h': { label: '24 h', bar: '10 minutes', refreshMs: 30_000, labelEvery: 36 },
}

/** What the address asks for; 5 minutes when it asks for nothing that there is. */
export function rangeOf(text: string): HistoryRange {
  return historyRangeNames.find(name => name === text) ?? defaultHistoryRange
}

/** The hits of a server over time; those of all servers that have no colour any more are one. */
export type Series = { key: string; name: string; hue: number | undefined; hits: number[] }

const earlier = { key: 'earlier', name: 'earlier servers', hue: undefined }

/** One for each colour, in the colours' order: an address's lives together, under the name of its last one. */
export function seriesOf({ times, servers }: History, hues: Hues): Series[] {
  const byKey = new Map<string, Series>()
  for (const { srv_id, name, hits } of servers) {
    const hue = hues[srv_id]
    const head = hue === undefined ? earlier : { key: srv_id, name, hue }
    const before = byKey.get(head.key)?.hits
    byKey.set(head.key, { ...head, hits: times.map((_, at) => (before?.[at] ?? 0) + (hits[at] ?? 0)) })
  }
  return [...byKey.values()].sort((a, b) => (a.hue ?? Number.MAX_VALUE) - (b.hue ?? Number.MAX_VALUE))
}

/** The highest bar; 0 of none. */
export function peakOf(hits: number[]): number {
  return Math.max(0, ...hits)
}

/** All series' hits, time by time. */
export function totalsOf(series: Series[], length: number): number[] {
  return Array.from({ length }, (_, at) => series.reduce((sum, { hits }) => sum + (hits[at] ?? 0), 0))
}

/** The axis' end: the least of 2, 4, 6, 8, 10, 20, 40, … that holds the value, so that its half is a whole number too. */
export function axisTop(most: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, most))))
  const digit = [1, 2, 4, 6, 8].find(digit => digit * power >= most)
  return digit === undefined ? 10 * power : Math.max(2, digit * power)
}

/** How much of its time's width a bar takes. */
const width = 0.8

/**
 * Stacked bars, one outline a series, the first at the bottom. In a box that is one wide for each time and 1 high, with
 * y pointing down. Empty where a series has no hits.
 */
export function stackedBars(series: Series[], top: number): string[] {
  const reached: number[] = []
  return series.map(({ hits }) =>
    hits
      .map((count, at) => {
        const from = reached[at] ?? 0
        reached[at] = from + count
        return count > 0 ? bar(at, from / top, count / top) : ''
      })
      .join(''),
  )
}

function bar(at: number, from: number, height: number): string {
  return `M${short(at + (1 - width) / 2)} ${short(1 - from)}h${width}v${short(-height)}h${-width}z`
}

function short(value: number): number {
  return Math.round(value * 1e4) / 1e4
}

/** Where in the history a time stands, 0 to 1. */
export function placeOf(at: string, { times, step }: Pick<History, 'times' | 'step'>): number {
  const start = Date.parse(times[0] ?? at)
  return Math.min(1, (Date.parse(at) - start) / (times.length * step * 1000))
}

/** A time to the minute as the reader writes it; locale and zone default to the browser's own. */
export function clockFormat(locale?: string, timeZone?: string): (iso: string) => string {
  const format = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    ...(timeZone !== undefined && { timeZone }),
  })
  return iso => format.format(new Date(iso))
}

/** Which of so many bars have their time written under them: the last, and from there back every so many. */
export function labelledBars(count: number, every: number): number[] {
  const last = count - 1
  return Array.from({ length: Math.floor(last / every) + 1 }, (_, step) => last - step * every).reverse()
}

let clock: ((iso: string) => string) | undefined

/** Times of the chart, which is only drawn in the browser: its own zone and locale. */
export function useClock(): (iso: string) => string {
  clock ??= clockFormat()
  return clock
}
