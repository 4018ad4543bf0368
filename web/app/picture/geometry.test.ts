import assert from 'node:assert/strict'
import { test } from 'node:test'
import { branchWidth, pointAfter, pointAt, type Route, trunkWidth } from './geometry.ts'

const horizontal: Route = {
  from: { x: 0, y: 50 },
  gate: { x: 100, y: 50 },
  fork: { x: 140, y: 50 },
  to: { x: 300, y: 10 },
  vertical: false,
}
const vertical: Route = { ...horizontal, fork: { x: 20, y: 60 }, to: { x: 40, y: 200 }, vertical: true }

test('a route starts at the visitors and ends at the server', () => {
  for (const route of [horizontal, vertical]) {
    assert.deepEqual(pointAt(route, 0), route.from)
    assert.deepEqual(pointAt(route, 1), route.to)
  }
})

test('a route passes NGINX', () => {
  assert.equal(Math.round(pointAt(horizontal, 0.3499).x), 100)
  assert.deepEqual(pointAt(horizontal, 0.35), horizontal.fork)
})

test('a horizontal route leaves NGINX level, a vertical one downwards', () => {
  const level = pointAt(horizontal, 0.37)
  assert.ok(Math.abs(level.y - 50) < Math.abs(level.x - 140))
  const down = pointAt(vertical, 0.4)
  assert.ok(down.y - 60 > 5 * (down.x - 20))
})

test('a dot is fast at first, and arrives when its time is over', () => {
  assert.deepEqual(pointAfter(horizontal, 0), horizontal.from)
  assert.deepEqual(pointAfter(horizontal, 0.5), pointAt(horizontal, 0.75))
  assert.deepEqual(pointAfter(horizontal, 1), horizontal.to)
})

test('more traffic makes a wider line, up to a limit', () => {
  const widths = [0, 1, 10, 100, 1000, 100_000].map(trunkWidth)
  assert.deepEqual(
    widths,
    widths.toSorted((a, b) => a - b),
  )
  assert.equal(trunkWidth(0), 1)
  assert.equal(trunkWidth(1e9), 16)
})

test('the branches divide the trunk as the traffic is divided', () => {
  const [a, b] = [branchWidth(75, 100), branchWidth(25, 100)]
  assert.ok(Math.abs(a + b - trunkWidth(100)) < 1e-9)
  assert.ok(Math.abs(a - 3 * b) < 1e-9)
})

test('a branch without traffic is still visible', () => {
  assert.equal(branchWidth(0, 100), 1)
  assert.equal(branchWidth(0, 0), 1)
})
