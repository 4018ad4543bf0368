import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { History, HistoryEvent } from '../../shared/api.ts'
import {
  axisOf,
  axisTop,
  chartFormats,
  downSpans,
  eventGroups,
  labelledBars,
  labelledClips,
  markOf,
  peakOf,
  placeOf,
  retryMs,
  seriesOf,
  spacedLabels,
  stackedBars,
  totalsOf,
} from './chart-data.ts'

const times = ['2026-11-22T12:00:00.000Z', '2026-11-22T12:01:00.000Z']

function history(servers: History['servers']): History {
  return { range: '5m', at: times[1] ?? '', bucket_seconds: 60, times, servers, events: [], downs: [] }
}

test('instances of one address are one series, under the last name, in the order of colours', () => {
  const series = seriesOf(
    history([
      { id: 1, srv_id: 'b', name: 'web-2', hits: [1, 2] },
      { id: 2, srv_id: 'a', name: 'web-1', hits: [10, 0] },
      { id: 3, srv_id: 'a', name: 'web-9', hits: [0, 20] },
    ]),
    { a: 0, b: 1 },
  )
  assert.deepEqual(series, [
    { key: 'a', name: 'web-9', hue: 0, hits: [10, 20] },
    { key: 'b', name: 'web-2', hue: 1, hits: [1, 2] },
  ])
})

test('servers without a colour are one series, the last, and nothing is lost', () => {
  const series = seriesOf(
    history([
      { id: 1, srv_id: 'x', name: 'web-7', hits: [1, 0] },
      { id: 2, srv_id: 'y', name: 'web-8', hits: [1, 5] },
      { id: 3, srv_id: 'a', name: 'web-1', hits: [3, 3] },
    ]),
    { a: 0 },
  )
  assert.deepEqual(
    series.map(({ name, hits }) => [name, hits]),
    [
      ['web-1', [3, 3]],
      ['earlier instances', [2, 5]],
    ],
  )
  assert.deepEqual(totalsOf(series, 2), [5, 8])
})

test('the peak is the highest bar of a server, all instances together, and 0 if there are none', () => {
  const [server] = seriesOf(
    history([
      { id: 1, srv_id: 'a', name: 'web-1', hits: [30, 2] },
      { id: 2, srv_id: 'a', name: 'web-1', hits: [0, 29] },
    ]),
    { a: 0 },
  )
  assert.equal(peakOf(server?.hits ?? []), 31)
  assert.equal(peakOf([]), 0)
})

test('the axis ends at a round number that holds the peak, also far below one hit a second', () => {
  const tops = [0, 1, 2, 3, 7, 9, 10, 11, 81, 100, 101, 999, 1000, 54_321].map(axisTop)
  assert.deepEqual(tops, [1, 1, 2, 4, 8, 10, 10, 20, 100, 100, 200, 1000, 1000, 60_000])
  assert.deepEqual([0.2, 0.3, 1 / 600, 0.0101, 0.95].map(axisTop), [0.2, 0.4, 0.002, 0.02, 1])
})

const bars = (count: number, outliers: Record<number, number> = {}) =>
  Array.from({ length: count }, (_, at) => outliers[at] ?? 15 + (at % 5))

test('the axis is in hits a second, and holds all bars if none is far higher than the others', () => {
  assert.deepEqual(axisOf(bars(61), 5), { top: 4, clipped: [] })
  assert.deepEqual(axisOf(bars(61, { 3: 60 }), 5), { top: 20, clipped: [] })
  assert.deepEqual(axisOf(bars(61), 600), { top: 0.04, clipped: [] })
  assert.deepEqual(axisOf([0, 0, 0], 5), { top: 1, clipped: [] })
})

test('few bars that are far higher than all others are clipped, and flatten nothing', () => {
  assert.deepEqual(axisOf(bars(61, { 7: 500 }), 5), { top: 4, clipped: [7] })
  // The highest alone would leave the second to flatten the others.
  assert.deepEqual(axisOf(bars(61, { 7: 5000, 30: 400, 31: 400 }), 5), { top: 4, clipped: [7, 30, 31] })
})

test('many high bars are no outliers, nor are few hits', () => {
  const tenth = Object.fromEntries(Array.from({ length: 7 }, (_, at) => [at * 8, 500]))
  assert.deepEqual(axisOf(bars(61, tenth), 5).clipped, [])
  assert.deepEqual(axisOf([1, 1, 1, 1, 9, ...new Array(56).fill(0)], 5).clipped, [])
  // With hardly any other bar, there is nothing to flatten.
  const single = (count: number) => [160, ...new Array(count).fill(1), ...new Array(60 - count).fill(0)]
  assert.deepEqual(axisOf(single(5), 5), { top: 40, clipped: [] })
  assert.deepEqual(axisOf(single(10), 5).clipped, [])
  assert.deepEqual(axisOf(single(11), 5).clipped, [0])
})

test('of clipped bars close together, only the highest has its figure above it', () => {
  const totals = bars(61, { 7: 500, 8: 900, 9: 400, 40: 300 })
  assert.deepEqual(labelledClips([7, 8, 9, 40], totals, 3), [8, 40])
  assert.deepEqual(labelledClips([], totals, 3), [])
})

test('bars are stacked, and without hits there is no bar', () => {
  const series = [
    { key: 'a', name: 'a', hue: 0, hits: [2, 0] },
    { key: 'b', name: 'b', hue: 1, hits: [1, 4] },
  ]
  const paths = stackedBars(series, 4)
  assert.deepEqual(paths, ['M0.1 1h0.8v-0.5h-0.8z', 'M0.1 0.5h0.8v-0.25h-0.8zM1.1 1h0.8v-1h-0.8z'])
})

test('a bar ends where the plot ends, and keeps the shares of its servers', () => {
  const series = [
    { key: 'a', name: 'a', hue: 0, hits: [300] },
    { key: 'b', name: 'b', hue: 1, hits: [500] },
    { key: 'c', name: 'c', hue: 2, hits: [200] },
  ]
  assert.deepEqual(stackedBars(series, 4), [
    'M0.1 1h0.8v-0.3h-0.8z',
    'M0.1 0.7h0.8v-0.5h-0.8z',
    'M0.1 0.2h0.8v-0.2h-0.8z',
  ])
})

const minute = (count: number) => `2026-11-22T12:0${count}:00.000Z`
const sixMinutes = { bucket_seconds: 60, times: [0, 1, 2, 3, 4, 5].map(minute) }

test('a time lies between the start of the first bar and the end of the last', () => {
  assert.equal(placeOf(minute(0), sixMinutes), 0)
  assert.equal(placeOf(minute(3), sixMinutes), 0.5)
  assert.equal(placeOf('2026-11-22T13:00:00.000Z', sixMinutes), 1)
  assert.equal(placeOf('2026-11-22T11:00:00.000Z', sixMinutes), 0)
})

function event(type: HistoryEvent['type'], time: string, server = 'a'): HistoryEvent {
  return { type, by: null, id: 1, srv_id: server, name: `web-${server}`, at: `2026-11-22T12:${time}.000Z` }
}

const withEvents = (...events: HistoryEvent[]) => ({ ...sixMinutes, events })
const inGroups = (groups: HistoryEvent[][]) => groups.map(group => group.map(({ at }) => at.slice(14, 19)))

test('events within ten seconds of the first have one mark, however many follow closely', () => {
  const five = ['01:00', '01:04', '01:08', '01:12', '01:16'].map(time => event('joined', time)).reverse()
  assert.deepEqual(inGroups(eventGroups(withEvents(...five), 0)), [
    ['01:00', '01:04', '01:08'],
    ['01:12', '01:16'],
  ])
})

test('on a narrow chart, events that are closer than a mark is wide have one mark', () => {
  const events = withEvents(event('joined', '01:00'), event('lost', '01:30'), event('joined', '02:00'))
  assert.equal(eventGroups(events, 0.05).length, 3)
  assert.deepEqual(inGroups(eventGroups(events, 0.1)), [['01:00', '01:30'], ['02:00']])
})

test('a mark shows the worst of its events', () => {
  assert.equal(markOf([event('joined', '01:00')]), 'started')
  assert.equal(markOf([event('back', '01:00')]), 'started')
  assert.equal(markOf([event('draining', '01:00'), event('undrained', '01:01')]), 'drain')
  assert.equal(markOf([event('draining', '01:00'), event('joined', '01:01')]), 'started')
  assert.equal(markOf([event('joined', '01:00'), event('stopped', '01:01')]), 'stopped')
  assert.equal(
    markOf([event('joined', '01:00'), event('killed', '01:01'), event('stopped', '01:02')]),
    'lost',
  )
})

test('a server is down from its loss to the next start at its address, or to now', () => {
  const half = (from: number, to: number) => [from / 6, to / 6]
  const spans = (...events: HistoryEvent[]) => downSpans(withEvents(...events))
  assert.deepEqual(spans(event('joined', '02:00'), event('killed', '01:00')), [half(1, 2)])
  assert.deepEqual(spans(event('lost', '03:00')), [half(3, 6)])
  assert.deepEqual(spans(event('back', '02:00'), event('lost', '01:00')), [half(1, 2)])
  // It was lost before the chart starts.
  assert.deepEqual(spans(event('back', '02:00')), [half(0, 2)])
  // Another server's start ends nothing, and a stop in good order is no loss.
  assert.deepEqual(spans(event('joined', '02:00', 'b'), event('lost', '01:00')), [half(1, 6)])
  assert.deepEqual(spans(event('joined', '02:00'), event('stopped', '01:00')), [])
  // Lost, then known to be killed: one span.
  assert.deepEqual(spans(event('joined', '04:00'), event('killed', '02:00'), event('lost', '01:00')), [
    half(1, 4),
  ])
})

test('times are local, to the minute or second, and the axis has two digits', () => {
  const formats = chartFormats('en-GB', 'Europe/Zurich')
  assert.equal(formats.minute('2026-11-22T12:04:05.000Z'), '13:04')
  assert.equal(formats.second('2026-11-22T12:04:05.000Z'), '13:04:05')
  assert.deepEqual([0.001, 0.5, 3, 30_000].map(formats.axis), ['0.001', '0.5', '3', '30,000'])
})

/** As many bars of so many seconds, from this time on. */
const barsFrom = (from: string, length: number, bucket_seconds: number) => ({
  bucket_seconds,
  times: Array.from({ length }, (_, at) =>
    new Date(Date.parse(from) + at * bucket_seconds * 1000).toISOString(),
  ),
})

test('a time is under each bar that starts at a round local time', () => {
  assert.deepEqual(labelledBars(barsFrom('2026-11-22T12:03:50.000Z', 61, 5), 1), [2, 14, 26, 38, 50])
  const hours = barsFrom('2026-11-22T12:00:00.000Z', 25, 3600)
  assert.deepEqual(
    labelledBars(hours, 240, () => 0),
    [0, 4, 8, 12, 16, 20, 24],
  )
  assert.deepEqual(
    labelledBars(hours, 240, () => -60),
    [3, 7, 11, 15, 19, 23],
  )
})

test('where no bar starts at a round local time, the time is under the first bar after it', () => {
  const day = barsFrom('2026-11-22T12:00:00.000Z', 145, 600)
  // Nepal is 5:45 ahead of UTC: 18:20 UTC is 00:05 there.
  const nepal = labelledBars(day, 240, () => -345)
  assert.deepEqual(nepal, [14, 38, 62, 86, 110, 134])
  const local = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'Asia/Kathmandu' })
  assert.deepEqual(
    nepal.map(at => local.format(new Date(day.times[at] ?? ''))),
    ['20:05', '00:05', '04:05', '08:05', '12:05', '16:05'],
  )
  assert.equal(labelledBars(barsFrom('2026-11-22T12:00:00.000Z', 61, 60), 15, () => -345).length, 5)
})

test('labels that would overlap are left out, from the right', () => {
  assert.deepEqual(spacedLabels([2, 14, 26, 38, 50], 12), [2, 14, 26, 38, 50])
  assert.deepEqual(spacedLabels([2, 14, 26, 38, 50], 12.5), [2, 26, 50])
  assert.deepEqual(spacedLabels([], 5), [])
})

test('a failed read is tried again after a second, then less and less often, but often while the board is current', () => {
  const after = (current: boolean) => [1, 2, 3, 4, 5, 40].map(failures => retryMs(failures, current))
  assert.deepEqual(after(true), [1000, 2000, 2000, 2000, 2000, 2000])
  assert.deepEqual(after(false), [1000, 2000, 4000, 8000, 8000, 8000])
})
