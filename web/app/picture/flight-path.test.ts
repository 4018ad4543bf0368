import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pointAfter, pointAt, type Route } from './flight-path.ts'

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
