import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PageViewStats } from './page-view-stats.ts'

test('the rate is of the last few windows', () => {
  let now = 0
  const figures = new PageViewStats(() => now)
  const beat = (hits: number) => {
    for (let hit = 0; hit < hits; hit++) figures.recordHit(1)
    now += 2000
    return figures.roll().rate
  }
  assert.equal(beat(20), 10)
  assert.equal(beat(0), 5)
  assert.equal(beat(40), 10)
  assert.equal(beat(0), 40 / 6)
  assert.equal(beat(0), 40 / 6)
  assert.equal(beat(0), 0)
})

test('percentiles are in ms, and null when there was nothing', () => {
  const figures = new PageViewStats()
  assert.deepEqual([figures.roll().p50Ms, figures.roll().p99Ms], [null, null])
  for (let n = 0; n < 98; n++) figures.recordHit(2)
  figures.recordHit(50)
  figures.recordHit(50)
  const { p50Ms, p99Ms } = figures.roll()
  assert.ok(p50Ms !== null && Math.abs(p50Ms - 2) < 0.1, String(p50Ms))
  assert.ok(p99Ms !== null && Math.abs(p99Ms - 50) < 1, String(p99Ms))
})

test('errors are counted by code, and add up', () => {
  const figures = new PageViewStats()
  assert.deepEqual(figures.errors, { errors: 0, errorCodes: {} })
  for (const code of ['overloaded', 'outcome_unknown', 'overloaded']) figures.recordError(code)
  assert.deepEqual(figures.errors, { errors: 3, errorCodes: { overloaded: 2, outcome_unknown: 1 } })
})
