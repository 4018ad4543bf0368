import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketStarts, historyBuckets } from './history-buckets.ts'

test('five minutes are five whole ones and the current one', () => {
  assert.deepEqual(bucketStarts(historyBuckets('5m', new Date('2026-11-22T12:04:31.203Z'))), [
    '2026-11-22T11:59:00.000Z',
    '2026-11-22T12:00:00.000Z',
    '2026-11-22T12:01:00.000Z',
    '2026-11-22T12:02:00.000Z',
    '2026-11-22T12:03:00.000Z',
    '2026-11-22T12:04:00.000Z',
  ])
})

test('an hour is in minutes, a day in tens of minutes', () => {
  const now = new Date('2026-11-22T12:04:31.203Z')
  const hour = historyBuckets('1h', now)
  assert.equal(hour.step, 60)
  assert.equal(bucketStarts(hour).length, 61)
  assert.equal(bucketStarts(hour)[0], '2026-11-22T11:04:00.000Z')
  const day = historyBuckets('24h', now)
  assert.equal(day.step, 600)
  assert.equal(bucketStarts(day).length, 145)
  assert.equal(bucketStarts(day)[0], '2026-11-21T12:00:00.000Z')
  assert.equal(bucketStarts(day).at(-1), '2026-11-22T12:00:00.000Z')
})

test('a new bucket begins on the edge, not before', () => {
  const last = (now: string) => bucketStarts(historyBuckets('24h', new Date(now))).at(-1)
  assert.equal(last('2026-11-22T12:09:59.999Z'), '2026-11-22T12:00:00.000Z')
  assert.equal(last('2026-11-22T12:10:00.000Z'), '2026-11-22T12:10:00.000Z')
})
