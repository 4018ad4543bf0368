import assert from 'node:assert/strict'
import { test } from 'node:test'
import { branchWidth, pointAfter, pointAt, type Route, trunkWidth } from './geometry.ts'

const lying: Route = {
  from: { x: 0, y: 50 },
  gate: { x: 100, y: 50 },
  fork: { x: 140, y: 50 },
  to: { x: 300, y: 10 },
  upright: false,
}
const upright: Route = { ...lying, fork: { x: 20, y: 60 }, to: { x: 40, y: 200 }, upright: true }

test('it begins at the visitors and ends at the server', () => {
  for (const route of [lying, upright]) {
    assert.deepEqual(pointAt(route, 0), route.from)
    assert.deepEqual(pointAt(route, 1), route.to)
  }
})

test('it passes NGINX', () => {
  assert.equal(Math.round(pointAt(lying, 0.3499).x), 100)
  assert.deepEqual(pointAt(lying, 0.35), lying.fork)
})

test('lying, it leaves NGINX level; upright, downwards', () => {
  const level = pointAt(lying, 0.37)
  assert.ok(Math.abs(level.y - 50) < Math.abs(level.x - 140))
  const down = pointAt(upright, 0.4)
  assert.ok(down.y - 60 > 5 * (down.x - 20))
})

test('it is quick at first, and there when its time is over', () => {
  assert.deepEqual(pointAfter(lying, 0), lying.from)
  assert.deepEqual(pointAfter(lying, 0.5), pointAt(lying, 0.75))
  assert.deepEqual(pointAfter(lying, 1), lying.to)
})

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
