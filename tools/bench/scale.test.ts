import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linearScale, logScale } from './scale.ts'

test('a linear scale goes from 0 to a round figure that has room for the highest', () => {
  const { place, ticks } = linearScale([100, 4312])
  assert.deepEqual(ticks, [0, 2000, 4000, 6000])
  assert.deepEqual([place(0), place(3000), place(6000)], [0, 0.5, 1])
})

test('a linear scale of nothing but zero can still be drawn', () => {
  const { place } = linearScale([0, 0])
  assert.equal(place(0), 0)
})

test('on a logarithmic scale equal ratios are equally far apart', () => {
  const { place, ticks } = logScale([10_000, 100, 1000])
  assert.deepEqual(ticks, [100, 1000, 10_000])
  assert.deepEqual([place(100), place(10_000)], [0, 1])
  assert.ok(Math.abs(place(1000) - 0.5) < 1e-9)
})
