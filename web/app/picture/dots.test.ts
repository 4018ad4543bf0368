import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogRow, ServerRow, Snapshot } from '../../shared/api.ts'
import { sampleLogRow, sampleServerRow } from '../../testing/samples.ts'
import { type Launch, launchesOf, noSampling, noSamplings, ownLaunch, sample, travelMs } from './dots.ts'
import { stepBetween } from './flow.ts'

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
