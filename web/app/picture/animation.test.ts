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
  upright: false,
}
const dot: Dot = {
  server: 1,
  route,
  ring: { x: 310, y: 10 },
  hue: 'blue',
  edge: null,
  hollow: false,
  aside: 0,
  leavesAt: 1000,
}

test('a dot is seen from when it leaves to when it lands', () => {
  const swarm = new DotAnimation()
  swarm.add([dot])
  assert.deepEqual(swarm.at(999)?.dots, [])
  assert.deepEqual(swarm.at(1000)?.dots[0]?.at, route.from)
  assert.deepEqual(swarm.at(1000 + travelMs)?.dots, [])
})

test('its ring answers after that, and then nothing moves any more', () => {
  const swarm = new DotAnimation()
  swarm.add([dot])
  const landsAt = 1000 + travelMs
  assert.deepEqual(swarm.at(landsAt - 1)?.answers, [])
  assert.equal(swarm.at(landsAt + 125)?.answers[0]?.part, 0.5)
  assert.equal(swarm.at(landsAt + 250), null)
})

test('a ring that is answering does not begin anew, and one that has answered does', () => {
  const swarm = new DotAnimation()
  swarm.add([dot, { ...dot, leavesAt: 1100 }, { ...dot, leavesAt: 1300 }])
  const landsAt = 1000 + travelMs
  assert.equal(swarm.at(landsAt)?.answers[0]?.part, 0)
  assert.equal(swarm.at(landsAt + 200)?.answers[0]?.part, 0.8)
  assert.equal(swarm.at(landsAt + 300)?.answers[0]?.part, 0)
})

test('what landed while nobody looked is over', () => {
  const swarm = new DotAnimation()
  swarm.add([dot])
  assert.equal(swarm.at(60_000), null)
})

test('dots beside each other keep their distance from the line: across it', () => {
  const swarm = new DotAnimation()
  swarm.add([
    { ...dot, aside: 3 },
    { ...dot, aside: 3, route: { ...route, upright: true } },
  ])
  const [lying, upright] = swarm.at(1000)?.dots ?? []
  assert.deepEqual(lying?.at, { x: 0, y: 53 })
  assert.deepEqual(upright?.at, { x: 3, y: 50 })
})
