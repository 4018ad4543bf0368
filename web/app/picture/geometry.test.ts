import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  branch,
  branchWidth,
  capsuleWidth,
  pointAfter,
  pointAt,
  reversed,
  straight,
  toLostServer,
  toOtherServer,
  trunkWidth,
} from './geometry.ts'

const fork = { x: 140, y: 50 }
const card = { x: 300, y: 10 }
const horizontal = branch(fork, card, false)
const vertical = branch({ x: 20, y: 60 }, { x: 40, y: 200 }, true)

test('a branch starts at NGINX and ends at the server', () => {
  for (const curve of [horizontal, vertical]) {
    assert.deepEqual(pointAt(curve, 0), curve[0])
    assert.deepEqual(pointAt(curve, 1), curve[3])
    assert.deepEqual(pointAt(reversed(curve), 1), curve[0])
  }
})

test('a straight line is even', () => {
  assert.deepEqual(pointAt(straight({ x: 0, y: 0 }, { x: 90, y: 30 }), 0.5), { x: 45, y: 15 })
})

test('a horizontal branch leaves NGINX level, a vertical one downwards', () => {
  const level = pointAt(horizontal, 0.05)
  assert.ok(Math.abs(level.y - 50) < Math.abs(level.x - 140))
  const down = pointAt(vertical, 0.1)
  assert.ok(down.y - 60 > 5 * (down.x - 20))
})

test('a dot is fast at first, and arrives when its time is over', () => {
  assert.deepEqual(pointAfter(horizontal, 0), fork)
  assert.deepEqual(pointAfter(horizontal, 0.5), pointAt(horizontal, 0.75))
  assert.deepEqual(pointAfter(horizontal, 1), card)
})

test('a moved visit stops before the lost server’s card, goes back, and reaches the other', () => {
  for (const isVertical of [false, true]) {
    const visits = branch(fork, { x: 300, y: 90 }, isVertical)
    const lost = toLostServer(visits, isVertical)
    const other = branch(fork, card, isVertical)
    const bend = toOtherServer(lost, other, isVertical)
    assert.deepEqual(lost[3], { x: 288, y: 90 })
    assert.deepEqual([bend[0], bend[3]], [lost[3], card])
    assert.ok(pointAt(bend, 0.5).x < 288)
  }
})

test('more hits make a longer commit, up to a limit', () => {
  assert.ok(capsuleWidth(4) > capsuleWidth(1))
  assert.equal(capsuleWidth(1e6), capsuleWidth(1000))
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
