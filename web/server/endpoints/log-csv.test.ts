import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextWaitMs } from './log-csv.ts'

const patience = { clientMs: 10_000, waitMs: 30_000 }

test('a client has ten seconds, ten more for each megabyte, and never thirty in one piece', () => {
  assert.equal(nextWaitMs(patience, 0, 0), 10_000)
  assert.equal(nextWaitMs(patience, 1_000_000, 0), 20_000)
  assert.equal(nextWaitMs(patience, 9_000_000, 0), 30_000)
  assert.equal(nextWaitMs(patience, 9_000_000, 99_000), 1000)
})

test('a client that takes a little now and then has none left', () => {
  assert.equal(nextWaitMs(patience, 500_000, 15_000), 0)
  assert.equal(nextWaitMs(patience, 500_000, 60_000), 0)
})
