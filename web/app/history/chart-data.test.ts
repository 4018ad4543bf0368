import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { History } from '../../shared/api.ts'
import {
  axisTop,
  clockFormat,
  labelledBars,
  peakOf,
  placeOf,
  seriesOf,
  stackedBars,
  totalsOf,
} from './chart-data.ts'

const times = ['2026-11-22T12:00:00.000Z', '2026-11-22T12:01:00.000Z']

function history(servers: History['servers']): History {
  return { range: '5m', bucket_seconds: 60, times, servers, events: [], downs: [] }
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
      ['earlier servers', [2, 5]],
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

test('the axis ends at a round number that holds the peak and has a whole half', () => {
  const tops = [0, 1, 2, 3, 7, 9, 10, 11, 81, 100, 101, 999, 1000, 54_321].map(axisTop)
  assert.deepEqual(tops, [2, 2, 2, 4, 8, 10, 10, 20, 100, 100, 200, 1000, 1000, 60_000])
})

test('bars are stacked, and without hits there is no bar', () => {
  const paths = stackedBars(
    [
      { key: 'a', name: 'a', hue: 0, hits: [2, 0] },
      { key: 'b', name: 'b', hue: 1, hits: [1, 4] },
    ],
    4,
  )
  assert.deepEqual(paths, ['M0.1 1h0.8v-0.5h-0.8z', 'M0.1 0.5h0.8v-0.25h-0.8zM1.1 1h0.8v-1h-0.8z'])
})

const minute = (count: number) => `2026-11-22T12:0${count}:00.000Z`
const sixMinutes = { bucket_seconds: 60, times: [0, 1, 2, 3, 4, 5].map(minute) }

test('a time lies between the start of the first bar and the end of the last', () => {
  assert.equal(placeOf(minute(0), sixMinutes), 0)
  assert.equal(placeOf(minute(3), sixMinutes), 0.5)
  assert.equal(placeOf('2026-11-22T13:00:00.000Z', sixMinutes), 1)
})

test('times are local, to the minute', () => {
  assert.equal(clockFormat('en-GB', 'Europe/Zurich')('2026-11-22T12:04:00.000Z'), '13:04')
})

test('times are under the last bar and every so many before it', () => {
  assert.deepEqual(labelledBars(6, 1), [0, 1, 2, 3, 4, 5])
  assert.deepEqual(labelledBars(61, 15), [0, 15, 30, 45, 60])
  assert.deepEqual(labelledBars(145, 36), [0, 36, 72, 108, 144])
})
