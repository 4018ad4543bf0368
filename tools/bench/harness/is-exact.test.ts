import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isExact } from './is-exact.ts'

const counted = { from: 100, counter: 1100, consistent: true }
const seen = { answers: 1000, errors: 0 }

test('as many as were answered, or a few more that were under way at the end, are exact', () => {
  assert.ok(isExact(counted, seen, 64))
  assert.ok(isExact({ ...counted, counter: 1164 }, seen, 64))
})

test('one answer that is not in the count is not exact', () => {
  assert.ok(!isExact({ ...counted, counter: 1099 }, seen, 64))
})

test('more than can have been under way is not exact', () => {
  assert.ok(!isExact({ ...counted, counter: 1165 }, seen, 64))
})

test('a failed page view may be counted or not', () => {
  assert.ok(isExact({ ...counted, counter: 1090 }, { answers: 1000, errors: 10 }, 64))
  assert.ok(isExact({ ...counted, counter: 1110 }, { answers: 1000, errors: 10 }, 0))
})

test('a log that does not agree with the counter is not exact', () => {
  assert.ok(!isExact({ ...counted, consistent: false }, seen, 64))
})
