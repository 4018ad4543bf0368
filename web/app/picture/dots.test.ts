import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Snapshot } from '../../shared/api.ts'
import { sampleServerRow } from '../../testing/samples.ts'
import { launchDots, newHits, noSampling, sample, travelMs } from './dots.ts'

function board(second: number, hits: Record<number, number>): Snapshot {
  const at = `2026-11-22T12:00:${String(second).padStart(2, '0')}.000Z`
  const servers = Object.entries(hits).map(([id, count]) =>
    sampleServerRow({ id: Number(id), srv_id: `srv ${id}`, name: `web-${id}`, hits: count }),
  )
  return { counter: 0, at, servers, earlier_hits: 0, log: [] }
}

test('new hits are counted by server', () => {
  const hits = newHits(board(0, { 1: 5, 2: 7, 3: 1 }), board(1, { 1: 6, 2: 7, 3: 4 }))
  assert.deepEqual(
    [...hits],
    [
      [1, 1],
      [3, 3],
    ],
  )
})

test('all hits of a new server are new', () => {
  assert.deepEqual([...newHits(board(0, { 1: 5 }), board(1, { 1: 5, 2: 2 }))], [[2, 2]])
})

test('hits from a long gap do not move', () => {
  assert.equal(newHits(board(0, { 1: 5 }), board(20, { 1: 500 })).size, 0)
})

test('fewer hits than before are not movement', () => {
  assert.equal(newHits(board(0, { 1: 5 }), board(1, { 1: 3 })).size, 0)
})

test('with few visits, one dot is one visit', () => {
  const [{ visitsPerDot }, dots] = sample(noSampling, new Map([[1, 3]]))
  assert.equal(visitsPerDot, 1)
  assert.equal(dots.get(1), 3)
})

test('with many visits, one dot stands for several and says how many', () => {
  const [{ visitsPerDot }, dots] = sample(
    noSampling,
    new Map([
      [1, 300],
      [2, 200],
    ]),
  )
  assert.equal(visitsPerDot, 20)
  assert.deepEqual([dots.get(1), dots.get(2)], [15, 10])
})

test('leftover hits are not lost', () => {
  const hits = new Map([
    [1, 490],
    [2, 7],
  ])
  let [sampling, dots] = sample(noSampling, hits)
  let second = dots.get(2) ?? 0
  for (let n = 1; n < 20; n++) {
    ;[sampling, dots] = sample(sampling, hits)
    second += dots.get(2) ?? 0
  }
  assert.equal(second, 7)
})

test('after a rush one dot is one visit again, but not immediately', () => {
  let [sampling] = sample(noSampling, new Map([[1, 600]]))
  ;[sampling] = sample(sampling, new Map([[1, 1]]))
  assert.equal(sampling.visitsPerDot, 20)
  for (let n = 0; n < 6; n++) [sampling] = sample(sampling, new Map([[1, 1]]))
  assert.equal(sampling.visitsPerDot, 1)
})

/** A random generator with a fixed seed. */
function seededRandom(seed = 1): () => number {
  let state = seed
  return () => {
    state = (state * 16_807) % 2_147_483_647
    return state / 2_147_483_647
  }
}

test('every dot leaves before the next snapshot, and lands within 600 ms', () => {
  const launches = launchDots(
    new Map([
      [1, 5],
      [2, 3],
    ]),
    seededRandom(),
  )
  assert.equal(launches.filter(({ server }) => server === 1).length, 5)
  assert.equal(launches.filter(({ server }) => server === 2).length, 3)
  for (const { leavesIn } of launches) assert.ok(leavesIn >= 0 && leavesIn < 500)
  assert.ok(travelMs <= 600)
})

test('a single dot leaves immediately', () => {
  assert.equal(launchDots(new Map([[1, 1]]), seededRandom())[0]?.leavesIn, 0)
})
