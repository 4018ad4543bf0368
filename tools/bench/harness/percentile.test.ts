import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentile } from './percentile.ts'

const hundred = Array.from({ length: 100 }, (_, index) => index + 1)

test('the 99th of a hundred is the second highest', () => {
  assert.equal(percentile(hundred, 99), 99)
  assert.equal(percentile(hundred, 100), 100)
})

test('of few figures, a high percentile is the highest', () => {
  assert.equal(percentile([1, 2, 3], 99), 3)
  assert.equal(percentile([5], 50), 5)
})

test('nothing has no percentile', () => {
  assert.ok(Number.isNaN(percentile([], 95)))
})
