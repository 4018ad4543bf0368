import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Flight, FlightAnimation } from './animation.ts'
import { type Launch, travelMs, type VisitLaunch } from './dots.ts'
import { flightOf } from './flights.ts'
import { type Box, branch, type Place, type Places, reversed, straight } from './geometry.ts'

const fork = { x: 140, y: 50 }
const rule: Box = { x: 100, y: 30, width: 40, height: 20 }

function place(y: number, hue: string): Place {
  return {
    visits: branch(fork, { x: 300, y }, false),
    commits: reversed(branch({ x: 500, y: 50 }, { x: 400, y }, false)),
    ring: { x: 310, y },
    hue,
    edge: 'violet',
    again: false,
  }
}

const places: Places = {
  vertical: false,
  visitors: {
    cookie: straight({ x: 0, y: 30 }, { x: 100, y: 30 }),
    none: straight({ x: 0, y: 70 }, { x: 100, y: 70 }),
  },
  rules: { cookie: rule, none: rule },
  servers: new Map([
    ['a', place(10, 'blue')],
    ['b', place(90, 'green')],
  ]),
  inks: { text: 'black', new: 'grey', moved: 'red' },
}

const visit: VisitLaunch = {
  kind: 'visit',
  srvId: 'a',
  arrival: 'returning',
  from: null,
  leavesIn: 0,
  own: false,
  offset: 0,
}

/** An animation in which these start, each at 1000 + `leavesIn`. */
function animate(...launches: Launch[]): FlightAnimation {
  const animation = new FlightAnimation()
  const flights = launches.flatMap(launch => flightOf(launch, places))
  animation.add(flights.map(({ leavesIn, ...flight }): Flight => ({ ...flight, leavesAt: 1000 + leavesIn })))
  return animation
}

const lookAt = (animation: FlightAnimation, now: number) => animation.at(now)?.marks[0]?.look

test('a dot is visible from its start to its landing, but not inside NGINX', () => {
  const animation = animate(visit)
  assert.deepEqual(animation.at(999)?.marks, [])
  assert.deepEqual(animation.at(1000)?.marks[0]?.at, { x: 0, y: 30 })
  assert.deepEqual(animation.at(1250)?.marks, [])
  assert.deepEqual(animation.at(1300)?.marks[0]?.at, fork)
  assert.deepEqual(animation.at(1000 + travelMs)?.marks, [])
})

test('then its ring answers, and after that nothing moves', () => {
  const animation = animate(visit)
  const landsAt = 1000 + travelMs
  assert.deepEqual(animation.at(landsAt - 1)?.answers, [])
  assert.equal(animation.at(landsAt + 125)?.answers[0]?.progress, 0.5)
  assert.equal(animation.at(landsAt + 250), null)
})

test('a ring that is answering does not start over, and one that has answered does', () => {
  const animation = animate(visit, { ...visit, leavesIn: 100 }, { ...visit, leavesIn: 300 })
  const landsAt = 1000 + travelMs
  assert.equal(animation.at(landsAt)?.answers[0]?.progress, 0)
  assert.equal(animation.at(landsAt + 200)?.answers[0]?.progress, 0.8)
  assert.equal(animation.at(landsAt + 300)?.answers[0]?.progress, 0)
})

test('a dot that landed long ago is not shown', () => {
  assert.equal(animate(visit).at(60_000), null)
})

test('a returning visit has its server’s colour from the start, a new one from NGINX on', () => {
  const returning = animate(visit)
  assert.deepEqual(lookAt(returning, 1000), { shape: 'dot', colour: 'blue', hollow: false, halo: null })
  const stranger = animate({ ...visit, arrival: 'new' })
  assert.deepEqual(lookAt(stranger, 1000), { shape: 'dot', colour: 'grey', hollow: true, halo: null })
  assert.deepEqual(lookAt(stranger, 1400), { shape: 'dot', colour: 'blue', hollow: false, halo: null })
})

test('NGINX’s rule is lit while a visit is inside, and then fades', () => {
  const animation = animate({ ...visit, arrival: 'new' })
  assert.deepEqual(animation.at(1200)?.rules, [])
  assert.deepEqual(animation.at(1260)?.rules, [{ rule: 'none', progress: 0 }])
  assert.deepEqual(animation.at(1425)?.rules, [{ rule: 'none', progress: 0.5 }])
})

test('a moved visit meets a cross at the server that it came from, and goes on to another', () => {
  const animation = animate({ ...visit, arrival: 'moved', from: 'b' })
  const before = animation.at(1570)
  assert.deepEqual(before?.crosses, [])
  assert.ok((before?.marks[0]?.at.y ?? 0) > 80)
  const after = animation.at(1600)
  assert.deepEqual(
    after?.crosses.map(({ at, colour }) => [at, colour]),
    [[{ x: 288, y: 90 }, 'red']],
  )
  assert.equal(after?.bends.length, 1)
  const landed = animation.at(1910)
  assert.equal(landed?.answers[0]?.hue, 'blue')
  assert.equal(animation.at(3000), null)
})

test('a moved visit from a server that is not shown goes straight to its new one', () => {
  const animation = animate({ ...visit, arrival: 'moved', from: 'z' })
  assert.deepEqual(animation.at(1500)?.crosses, [])
  assert.equal(animation.at(1000 + travelMs)?.answers.length, 1)
})

test('a commit goes from its server to the database, and says how many hits it has', () => {
  const animation = animate({ kind: 'commit', srvId: 'a', hits: 4, leavesIn: 0 })
  const mark = animation.at(1000)?.marks[0]
  assert.deepEqual(mark?.at, { x: 400, y: 10 })
  assert.deepEqual(mark?.look, { shape: 'capsule', colour: 'blue', hollow: false, hits: 4, text: 'black' })
  assert.equal(animation.at(1300), null)
})

test('a dot keeps its offset across its line', () => {
  const launch = { ...visit, offset: 1 }
  assert.deepEqual(animate(launch).at(1000)?.marks[0]?.at, { x: 0, y: 33 })
  const [vertical] = flightOf(launch, { ...places, vertical: true })
  const animation = new FlightAnimation()
  if (vertical) animation.add([{ ...vertical, leavesAt: 1000 }])
  assert.deepEqual(animation.at(1000)?.marks[0]?.at, { x: 3, y: 30 })
})
