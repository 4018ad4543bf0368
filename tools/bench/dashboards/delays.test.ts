import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delaysOf } from './delays.ts'

const countedAt = new Map([
  [1, 1000],
  [2, 1100],
  [3, 1200],
  [4, 1300],
])
const first = { counter: 1, arrivals: [1010, 1010] }
const last = { counter: 4, arrivals: [9000] }

test('a hit is late by the time from its count to the first change that counts it, at each dashboard', () => {
  const ticks = [first, { counter: 3, arrivals: [1250, 1260] }, last]
  // Hit 2 after 150 and 160 ms, hit 3 after 50 and 60 ms.
  assert.deepEqual(delaysOf(ticks, countedAt, 2), { p50Ms: 60, p95Ms: 160, delivered: 1 })
})

test('the order in which the changes are told does not matter', () => {
  const ticks = [last, { counter: 2, arrivals: [1140, 1140] }, first]
  assert.deepEqual(delaysOf(ticks, countedAt, 2), { p50Ms: 40, p95Ms: 40, delivered: 1 })
})

test('a change that did not reach every dashboard shows', () => {
  const ticks = [first, { counter: 2, arrivals: [1140] }, { counter: 3, arrivals: [1240, 1240] }, last]
  assert.equal(delaysOf(ticks, countedAt, 2).delivered, 0.75)
})

test('where nothing but the first change and the last arrived there is nothing to tell', () => {
  assert.ok(Number.isNaN(delaysOf([first, last], countedAt, 2).p95Ms))
})
