import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delayPercentiles } from './delays.ts'

const countedAt = new Map([
  [1, 1000],
  [2, 1100],
  [3, 1200],
  [4, 1300],
])

test('a hit is late by the time from its count to the first change that counts it, at each dashboard', () => {
  const ticks = [
    { counter: 1, arrivals: [1010, 1010] },
    { counter: 3, arrivals: [1250, 1260] },
  ]
  // Hit 2 after 150 and 160 ms, hit 3 after 50 and 60 ms.
  assert.deepEqual(delayPercentiles(ticks, countedAt), { p50Ms: 60, p95Ms: 160 })
})

test('the order in which the changes are told does not matter', () => {
  const ticks = [
    { counter: 4, arrivals: [1340] },
    { counter: 3, arrivals: [1210] },
  ]
  assert.deepEqual(delayPercentiles(ticks, countedAt), { p50Ms: 40, p95Ms: 40 })
})

test('one change alone says nothing', () => {
  const { p95Ms } = delayPercentiles([{ counter: 4, arrivals: [1340] }], countedAt)
  assert.ok(Number.isNaN(p95Ms))
})
