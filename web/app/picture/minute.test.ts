import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { History } from '../../shared/api.ts'
import { sampleLogRow } from '../../testing/samples.ts'
import { type Bar, barsOf, needsHistory, startMinute, withHits, withRows } from './minute.ts'

const start = Date.parse('2026-11-22T12:00:00.000Z')
const ms = (second: number) => start + second * 1000
const time = (second: number) => new Date(ms(second)).toISOString()
const row = (second: number, srv_id = 'a') => sampleLogRow({ srv_id, at: time(second) })

const plain = (bars: Bar[]) => bars.map(({ start, width, hitsPerSecond }) => [start, width, hitsPerSecond])
const bars = (minute: ReturnType<typeof startMinute>, second: number, history?: History, srvId = 'a') =>
  plain(barsOf(minute, srvId, history, ms(second)))

test('each hit of the log is in its second', () => {
  const minute = startMinute([row(30.2), row(29.9), row(29.1)], true, ms(30.5))
  assert.deepEqual(bars(minute, 30.5), [
    [58, 1, 2],
    [59, 1, 1],
  ])
  assert.deepEqual(bars(minute, 30.5, undefined, 'b'), [])
  assert.deepEqual(bars(withRows(minute, [row(31.9)], ms(32)), 32), [
    [56, 1, 2],
    [57, 1, 1],
    [58, 1, 1],
  ])
})

test('a hit leaves the bars after a minute', () => {
  const minute = startMinute([row(0)], true, ms(0))
  assert.deepEqual(bars(withRows(minute, [], ms(59)), 59), [[0, 1, 1]])
  assert.deepEqual(bars(withRows(minute, [], ms(60)), 60), [])
})

test('hits that the log does not have are spread over the time between the snapshots', () => {
  const minute = withHits(startMinute([], true, ms(10.5)), [['a', { all: 100 }]], ms(10.5), ms(11.5))
  assert.deepEqual(bars(minute, 11.5), [
    [58, 1, 50],
    [59, 1, 50],
  ])
})

test('hits between two snapshots of the same millisecond are in its second', () => {
  const minute = withHits(startMinute([], true, ms(10)), [['a', { all: 100 }]], ms(10), ms(10))
  assert.deepEqual(bars(minute, 10), [[59, 1, 100]])
})

/** Buckets of five seconds from second 0 on. */
function history(readAt: number, hits: number[]): History {
  const times = hits.map((_, place) => time(place * 5))
  const servers = [{ id: 1, srv_id: 'a', name: 'web-1', hits }]
  return { range: '5m', at: time(readAt), bucket_seconds: 5, times, servers, events: [], downs: [] }
}

test('seconds before the first known one are bars as wide as the history’s buckets', () => {
  // The log is too short: second 62 is known in part.
  const minute = withHits(startMinute([row(62.9)], false, ms(63)), [['a', { all: 8 }]], ms(63), ms(65))
  assert.equal(needsHistory(minute, ms(65)), true)
  const buckets = [50, 60, 70, 0, 0, 0, 0, 0, 0, 0, 0, 100, 38]
  // 5 to 9 has only its last four seconds in the minute; 60 to 64 has eight hits in known seconds, 63 and 64.
  assert.deepEqual(bars(minute, 65.9, history(66, buckets)), [
    [0, 4, 12],
    [4, 5, 14],
    [49, 5, 20],
    [54, 3, 10],
    [57, 1, 4],
    [58, 1, 4],
  ])
})

test('a bucket that is not complete yet makes no bar', () => {
  const minute = startMinute([row(12.9)], false, ms(13))
  assert.deepEqual(bars(minute, 13.5, history(13.4, [10, 20, 30])), [
    [46, 5, 2],
    [51, 5, 4],
  ])
})

test('after a minute the history is not needed, and after a long gap it is', () => {
  const minute = startMinute([row(0)], false, ms(0.5))
  assert.equal(needsHistory(minute, ms(59)), true)
  assert.equal(needsHistory(minute, ms(60)), false)
  const gap = withHits(minute, [['a', { all: 900 }]], ms(60), ms(90))
  assert.equal(needsHistory(gap, ms(90)), true)
  assert.deepEqual(bars(gap, 90), [])
})
