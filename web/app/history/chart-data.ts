import type { History, HistoryEvent } from '../../shared/api.ts'
import {
  defaultHistoryRange,
  type HistoryRange,
  historyRangeNames,
  historyRanges,
} from '../../shared/limits.ts'
import { lengthInWords } from '../../shared/times.ts'
import type { Hues } from '../live/live-board.ts'

type Range = {
  label: string
  /** the time that a bar covers, in words: "1 minute" */
  bar: string
  /** the same after "per" and "busiest": "minute" */
  period: string
  /** how often the panel reads it again */
  refreshMs: number
  /** the axis has a time at the multiples of this, in local time */
  labelMinutes: number
}

function range(name: HistoryRange, fields: Omit<Range, 'bar' | 'period'>): Range {
  const bar = lengthInWords(historyRanges[name].bucketSeconds)
  return { ...fields, bar, period: bar.replace(/^1 /, '') }
}

export const ranges: Record<HistoryRange, Range> = {
  '5m': range('5m', { label: '5 min', refreshMs: 3_000, labelMinutes: 1 }),
  '1h': range('1h', { label: '1 h', refreshMs: 5_000, labelMinutes: 15 }),
  '24h': range('24h', { label: '24 h', refreshMs: 30_000, labelMinutes: 240 }),
}

/** The range in the page's address; the default if there is none, or an unknown one. */
export function rangeOf(text: string): HistoryRange {
  return historyRangeNames.find(name => name === text) ?? defaultHistoryRange
}

/**
 * ms until a failed read is tried again: twice as long after each failure. `current`: the board itself is current, so the next
 * read will most likely succeed.
 */
export function retryMs(failures: number, current: boolean): number {
  return Math.min(1000 * 2 ** (failures - 1), current ? 2000 : 8000)
}

/** The hits of a server over time. All servers without a colour are one series. */
export type Series = { key: string; name: string; hue: number | undefined; hits: number[] }

const earlier = { key: 'earlier', name: 'earlier instances', hue: undefined }

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

/** The end of the axis: the smallest of 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, … that is enough. 1 if there is nothing. */
export function axisTop(peak: number): number {
  if (peak <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(peak))
  const digit = [1, 2, 4, 6, 8].find(digit => digit * power >= peak) ?? 10
  return Number((digit * power).toPrecision(1))
}

/**
 * Outliers are so many times higher than all other bars, have at least so many hits, and are at most this part of the bars. With
 * fewer bars that have hits at all, there is little to flatten: then a burst is what the chart is about.
 */
const outliers = { times: 4, hits: 10, part: 0.1, amongBars: 12 }

/**
 * The axis for bars with so many hits. `top`: its end in hits/s. `clipped`: the bars that go on beyond it. Without that, few
 * very high bars would flatten all others.
 */
export function axisOf(totals: number[], bucketSeconds: number): { top: number; clipped: number[] } {
  const heights = totals.filter(hits => hits > 0).sort((a, b) => b - a)
  const most = heights.length < outliers.amongBars ? 0 : Math.floor(totals.length * outliers.part)
  let highest = 0
  for (let place = 1; place <= most; place++) {
    const [above = 0, below = 0] = [heights[place - 1], heights[place]]
    if (above >= outliers.hits && above >= below * outliers.times) highest = place
  }
  const held = heights[highest] ?? 0
  const top = axisTop(held / bucketSeconds)
  return { top, clipped: totals.flatMap((hits, at) => (highest > 0 && hits > held ? at : [])) }
}

/** Which of the clipped bars have their figure above them: the highest of those that are closer than `gap` bars. */
export function labelledClips(clipped: number[], totals: number[], gap: number): number[] {
  const byHeight = [...clipped].sort((a, b) => (totals[b] ?? 0) - (totals[a] ?? 0))
  const kept: number[] = []
  for (const at of byHeight) if (kept.every(other => Math.abs(other - at) >= gap)) kept.push(at)
  return kept.sort((a, b) => a - b)
}

/** Part of its slot that a bar fills. */
export const barWidth = 0.8

/**
 * Stacked bars as SVG paths, one a series, the first at the bottom. The box is 1 wide for each bar and 1 high, with y pointing
 * down. `top`: hits of a bar as high as the box; one with more is as high, with the same shares. A path is empty if its series has
 * no hits.
 */
export function stackedBars(series: Series[], top: number): string[] {
  const totals = totalsOf(series, Math.max(0, ...series.map(({ hits }) => hits.length)))
  const heights: number[] = []
  return series.map(({ hits }) =>
    hits
      .map((count, at) => {
        const from = heights[at] ?? 0
        const height = count / Math.max(top, totals[at] ?? 0)
        heights[at] = from + height
        return count > 0 ? bar(at, from, height) : ''
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

type Span = Pick<History, 'times' | 'bucket_seconds'>

const lengthMs = ({ times, bucket_seconds }: Span) => times.length * bucket_seconds * 1000

/** Where a time is in the history, 0 to 1. */
export function placeOf(at: string, history: Span): number {
  const start = Date.parse(history.times[0] ?? at)
  return Math.max(0, Math.min(1, (Date.parse(at) - start) / lengthMs(history)))
}

/** Events that one mark stands for, oldest first. */
export type EventGroup = [HistoryEvent, ...HistoryEvent[]]

const groupMs = 10_000

/**
 * The events as marks, oldest first: those within ten seconds of a mark's first event are one mark, and on a narrow chart those
 * within `gap`, the part of its width that a mark needs. So marks never overlap.
 */
export function eventGroups(
  { events, ...history }: Span & Pick<History, 'events'>,
  gap: number,
): EventGroup[] {
  const inOrder = [...events].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const within = Math.max(groupMs / lengthMs(history), gap)
  const groups: EventGroup[] = []
  for (const event of inOrder) {
    const last = groups.at(-1)
    if (last && placeOf(event.at, history) - placeOf(last[0].at, history) < within) last.push(event)
    else groups.push([event])
  }
  return groups
}

const markOfType = {
  lost: 'lost',
  killed: 'lost',
  stopped: 'stopped',
  joined: 'started',
  back: 'started',
  draining: 'drain',
  undrained: 'drain',
} as const

export type Mark = (typeof markOfType)[HistoryEvent['type']]

/** What the mark of a group shows: the worst of its events. */
export function markOf(group: EventGroup): Mark {
  const found = group.map(({ type }) => markOfType[type])
  return (['lost', 'stopped', 'started'] as const).find(mark => found.includes(mark)) ?? 'drain'
}

/** The times without a server at an address, as places from 0 to 1: from a loss to the next start there, or to now. */
export function downSpans({ events, ...history }: Span & Pick<History, 'events'>): [number, number][] {
  const inOrder = [...events].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const downFrom = new Map<string, number>()
  const spans: [number, number][] = []
  for (const event of inOrder) {
    const place = placeOf(event.at, history)
    const mark = markOfType[event.type]
    if (mark === 'drain') continue
    const from = downFrom.get(event.srv_id) ?? (event.type === 'back' ? 0 : undefined)
    if (mark === 'lost') downFrom.set(event.srv_id, from ?? place)
    else if (from !== undefined) spans.push([from, place])
    if (mark !== 'lost') downFrom.delete(event.srv_id)
  }
  return [...spans, ...[...downFrom.values()].map((from): [number, number] => [from, 1])]
}

/**
 * The bars that start at a multiple of `minutes` of local time, or are the first after it: where local time differs from UTC by a
 * quarter of an hour, no bar of ten minutes starts at a full hour. `offsetOf`: minutes of UTC after local time.
 */
export function labelledBars(
  { times, bucket_seconds }: Span,
  minutes: number,
  offsetOf = (time: Date) => time.getTimezoneOffset(),
): number[] {
  return times.flatMap((time, at) => {
    const start = new Date(time)
    const localSeconds = start.getTime() / 1000 - offsetOf(start) * 60
    return localSeconds % (minutes * 60) < bucket_seconds ? at : []
  })
}

/** Those of these bars whose labels, so many bars wide, do not overlap a label further right. */
export function spacedLabels(bars: number[], textBars: number): number[] {
  const kept: number[] = []
  for (const at of [...bars].reverse())
    if (at + textBars <= (kept[0] ?? Number.POSITIVE_INFINITY)) kept.unshift(at)
  return kept
}

type ChartFormats = {
  /** a time to the minute */
  minute(iso: string): string
  /** a time to the second */
  second(iso: string): string
  /** hits/s on the axis */
  axis(value: number): string
}

/** Locale and zone default to the browser's. */
export function chartFormats(locale?: string, timeZone?: string): ChartFormats {
  const zone = timeZone === undefined ? {} : { timeZone }
  const minute = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', ...zone })
  const second = new Intl.DateTimeFormat(locale, { timeStyle: 'medium', ...zone })
  const axis = new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 })
  return {
    minute: iso => minute.format(new Date(iso)),
    second: iso => second.format(new Date(iso)),
    axis: value => axis.format(value),
  }
}

let readerFormats: ChartFormats | undefined

/** In the reader's locale and zone. The chart is never in the HTML. */
export function useChartFormats(): ChartFormats {
  readerFormats ??= chartFormats()
  return readerFormats
}
