import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clockFormat, labelledBars } from './clock-text.ts'

test('a time is the reader’s, to the minute', () => {
  assert.equal(clockFormat('en-GB', 'Europe/Zurich')('2026-11-22T12:04:00.000Z'), '13:04')
})

test('times stand under the last bar and every so many before it', () => {
  assert.deepEqual(labelledBars(6, 1), [0, 1, 2, 3, 4, 5])
  assert.deepEqual(labelledBars(61, 15), [0, 15, 30, 45, 60])
  assert.deepEqual(labelledBars(145, 36), [0, 36, 72, 108, 144])
})
