import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogRow, ServerRow, Snapshot } from '../../shared/api.ts'
import { sampleLogRow, sampleServerRow } from '../../testing/samples.ts'
import { type Flight, FlightAnimation } from './animation.ts'
import { flightOf } from './dot-canvas.ts'
import {
  type Launch,
  launchesOf,
  noSampling,
  noSamplings,
  ownLaunch,
  sample,
  travelMs,
  type VisitLaunch,
} from './dots.ts'
import { stepBetween } from './flow.ts'
import { type Box, branch, type Place, type Places, reversed, straight } from './geometry.ts'

function board(second: number, counter: number, servers: Partial<ServerRow>[], log: LogRow[] = []): Snapshot {
  const at = `2026-11-22T12:00:${String(second).padStart(2, '0')}.000Z`
  return { counter, at, servers: servers.map(sampleServerRow), earlier_hits: 0, log }
}

const row = (id: number, srv_id: string, fields: Partial<LogRow> = {}) =>
  sampleLogRow({ id, srv_id, ...fields })

/** A random generator with a fixed seed. */
function seededRandom(seed = 1): () => number {
  let state = seed
  return () => {
    state = (state * 16_807) % 2_147_483_647
    return state / 2_147_483_647
  }
}

function launch(before: Snapshot, after: Snapshot, ownHit: number | null = null): Launch[] {
  const step = stepBetween(before, after)
  return launchesOf(noSamplings, { step, snapshot: after }, ownHit, seededRandom())[1]
}

const visits = (launches: Launch[]) => launches.filter(launch => launch.kind === 'visit')
const commits = (launches: Launch[]) => launches.filter(launch => launch.kind === 'commit')

test('with few visits, one dot is one visit', () => {
  const [{ each }, dots] = sample(noSampling, new Map([['web-1', 3]]))
  assert.equal(each, 1)
  assert.equal(dots.get('web-1'), 3)
})

test('with many visits, one dot stands for several and says how many', () => {
  const hits = new Map([
    ['web-1', 300],
    ['web-2', 200],
  ])
  const [{ each }, dots] = sample(noSampling, hits)
  assert.equal(each, 20)
  assert.deepEqual([dots.get('web-1'), dots.get('web-2')], [15, 10])
})

test('leftover hits are not lost', () => {
  const hits = new Map([
    ['web-1', 490],
    ['web-2', 7],
  ])
  let [sampling, dots] = sample(noSampling, hits)
  let second = dots.get('web-2') ?? 0
  for (let n = 1; n < 20; n++) {
    ;[sampling, dots] = sample(sampling, hits)
    second += dots.get('web-2') ?? 0
  }
  assert.equal(second, 7)
})

test('after a rush one dot is one visit again, but not immediately', () => {
  const one = new Map([['web-1', 1]])
  let [sampling] = sample(noSampling, new Map([['web-1', 600]]))
  ;[sampling] = sample(sampling, one)
  assert.equal(sampling.each, 20)
  for (let n = 0; n < 6; n++) [sampling] = sample(sampling, one)
  assert.equal(sampling.each, 1)
})

test('each visit of the log is a dot with its arrival, and a moved one knows where it came from', () => {
  const from = { srv_id: 'b', name: 'web-2' }
  const log = [row(7, 'a', { arrival: 'moved', moved_from: from }), row(6, 'b', { arrival: 'returning' })]
  const launches = launch(board(0, 5, []), board(1, 7, [], log))
  assert.deepEqual(
    visits(launches).map(({ srvId, arrival, from }) => [srvId, arrival, from]),
    [
      ['b', 'returning', null],
      ['a', 'moved', 'b'],
    ],
  )
})

test('a commit starts when the last of its visits has arrived, with all of them', () => {
  const at = '2026-11-22T12:00:00.500Z'
  const log = [row(8, 'b'), row(7, 'a', { at }), row(6, 'a', { at })]
  const launches = launch(board(0, 5, []), board(1, 8, [], log))
  const [first] = commits(launches)
  assert.deepEqual([first?.srvId, first?.hits], ['a', 2])
  const arrivals = visits(launches).map(({ srvId, leavesIn }) => (srvId === 'a' ? leavesIn + travelMs : 0))
  assert.equal(first?.leavesIn, Math.max(...arrivals))
})

test('this page’s own visit gets no second dot, but its commit shows', () => {
  const launches = launch(board(0, 5, []), board(1, 6, [], [row(6, 'a')]), 6)
  assert.deepEqual([visits(launches).length, commits(launches).length], [0, 1])
})

test('the dot of this page’s own visit leaves from the visitors of its kind', () => {
  const { arrival, from, own } = ownLaunch('a', { arrival: 'moved', cookie: 'b' })
  assert.deepEqual([arrival, from, own], ['moved', 'b', true])
  assert.equal(ownLaunch('a', { arrival: 'new', cookie: '' }).from, null)
})

const rushed = { new_hits: 40, returning_hits: 160, moved_hits: 0, hits: 200, commits: 50 }

test('under load dots have the arrivals of the servers’ rows, and commits their mean size', () => {
  const quiet = { new_hits: 0, returning_hits: 0, moved_hits: 0, hits: 0, commits: 0 }
  const launches = launch(
    board(0, 0, [{ srv_id: 'a', ...quiet }]),
    board(1, 200, [{ srv_id: 'a', ...rushed }]),
  )
  const arrivals = visits(launches).map(({ arrival }) => arrival)
  assert.equal(arrivals.filter(arrival => arrival === 'returning').length, 16)
  assert.equal(arrivals.filter(arrival => arrival === 'new').length, 4)
  assert.deepEqual([...new Set(commits(launches).map(({ hits }) => hits))], [4])
  assert.equal(commits(launches).length, 10)
})

test('a moved visit shows, however many visits one dot stands for', () => {
  const before = board(0, 0, [
    { srv_id: 'a', hits: 0 },
    { srv_id: 'b', state: 'lost' },
  ])
  const after = board(1, 201, [
    { srv_id: 'a', ...rushed, moved_hits: 1, hits: 201 },
    { srv_id: 'b', state: 'lost' },
  ])
  const moved = visits(launch(before, after)).filter(({ arrival }) => arrival === 'moved')
  assert.deepEqual(
    moved.map(({ from }) => from),
    ['b'],
  )
})

test('every dot leaves before the next snapshot, and lands within 600 ms', () => {
  const launches = launch(
    board(0, 0, [{ srv_id: 'a', hits: 0 }]),
    board(1, 200, [{ srv_id: 'a', ...rushed }]),
  )
  for (const { leavesIn } of visits(launches)) assert.ok(leavesIn >= 0 && leavesIn < 500)
  assert.ok(travelMs <= 600)
})

test('a single dot leaves immediately', () => {
  const [first] = visits(launch(board(0, 5, []), board(1, 6, [], [row(6, 'a')])))
  assert.equal(first?.leavesIn, 0)
})

test('hits from a long gap do not move', () => {
  assert.deepEqual(launch(board(0, 5, []), board(20, 6, [], [row(6, 'a')])), [])
})

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

test('a ring that is answering does not start over, and a ring that has answered does', () => {
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
