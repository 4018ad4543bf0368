import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoff } from './wait.ts'

test('the first start is at once, the next ones wait twice as long each time, ten seconds at most', () => {
  assert.deepEqual([0, 1, 2, 3, 6, 7, 100].map(backoff), [0, 250, 500, 1000, 8000, 10_000, 10_000])
})
