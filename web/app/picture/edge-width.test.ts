import assert from 'node:assert/strict'
import { test } from 'node:test'
import { branchWidth, trunkWidth } from './edge-width.ts'

test('more traffic is a wider line, up to an end', () => {
  const widths = [0, 1, 10, 100, 1000, 100_000].map(trunkWidth)
  assert.deepEqual(
    widths,
    widths.toSorted((a, b) => a - b),
  )
  assert.equal(trunkWidth(0), 1)
  assert.equal(trunkWidth(1e9), 16)
})

test('the branches are the trunk, divided as the traffic is', () => {
  const [a, b] = [branchWidth(75, 100), branchWidth(25, 100)]
  assert.ok(Math.abs(a + b - trunkWidth(100)) < 1e-9)
  assert.ok(Math.abs(a - 3 * b) < 1e-9)
})

test('a branch that carries nothing can still be seen', () => {
  assert.equal(branchWidth(0, 100), 1)
  assert.equal(branchWidth(0, 0), 1)
})
