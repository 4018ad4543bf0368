import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Dot, DotAnimation } from './animation.ts'
import { travelMs } from './dots.ts'
import type { Route } from './geometry.ts'

const route: Route = {
  from: { x: 0, y: 50 },
  gate: { x: 100, y: 50 },
  fork: { x: 140, y: 50 },
  to: { x: 300, y: 10 },
  vertical: false,
}
const dot: Dot = {
  server: 1,
  route,
  ring: { x: 310, y: 10 },
  hue: 'blue',
  edge: null,
  hollow: false,
  offset: 0,
  leavesAt: 1000,
}

test('a dot is visible from its start to its landing', () => {
  const animation = new DotAnimation()
  animation.add([dot])
  assert.deepEqual(animation.at(999)?.dots, [])
  assert.deepEqual(animation.at(1000)?.dots[0]?.at, route.from)
  assert.deepEqual(animation.at(1000 + travelMs)?.dots, [])
})

test('then its ring answers, and after that nothing moves', () => {
  const animation = new DotAnimation()
  animation.add([dot])
  const landsAt = 1000 + travelMs
  assert.deepEqual(animation.at(landsAt - 1)?.answers, [])
  assert.equal(animation.at(landsAt + 125)?.answers[0]?.progress, 0.5)
  assert.equal(animation.at(landsAt + 250), null)
})

test('a ring that is answering does not start over, and one that has answered does', () => {
  const animation = new DotAnimation()
  animation.add([dot, { ...dot, leavesAt: 1100 }, { ...dot, leavesAt: 1300 }])
  const landsAt = 1000 + travelMs
  assert.equal(animation.at(landsAt)?.answers[0]?.progress, 0)
  assert.equal(animation.at(landsAt + 200)?.answers[0]?.progress, 0.8)
  assert.equal(animation.at(landsAt + 300)?.answers[0]?.progress, 0)
})

test('a dot that landed long ago is not shown', () => {
  const animation = new DotAnimation()
  animation.add([dot])
  assert.equal(animation.at(60_000), null)
})

test('a dot keeps its offset across its line', () => {
  const animation = new DotAnimation()
  animation.add([
    { ...dot, offset: 3 },
    { ...dot, offset: 3, route: { ...route, vertical: true } },
  ])
  const [horizontal, vertical] = animation.at(1000)?.dots ?? []
  assert.deepEqual(horizontal?.at, { x: 0, y: 53 })
  assert.deepEqual(vertical?.at, { x: 3, y: 50 })
})
