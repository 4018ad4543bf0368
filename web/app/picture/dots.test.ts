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

test('what is new is told by server', () => {
  const hits = newHits(board(0, { 1: 5, 2: 7, 3: 1 }), board(1, { 1: 6, 2: 7, 3: 4 }))
  assert.deepEqual(
    [...hits],
    [
      [1, 1],
      [3, 3],
    ],
  )
})

test('all hits of a server that has just come are new', () => {
  assert.deepEqual([...newHits(board(0, { 1: 5 }), board(1, { 1: 5, 2: 2 }))], [[2, 2]])
})

test('what came in while nobody looked does not move', () => {
  assert.equal(newHits(board(0, { 1: 5 }), board(20, { 1: 500 })).size, 0)
})

test('figures that went back are not movement', () => {
  assert.equal(newHits(board(0, { 1: 5 }), board(1, { 1: 3 })).size, 0)
})

test('few visits are a dot each', () => {
  const [{ worth }, dots] = sample(noSampling, new Map([[1, 3]]))
  assert.equal(worth, 1)
  assert.equal(dots.get(1), 3)
})

test('of many visits one dot stands for some, and says for how many', () => {
  const [{ worth }, dots] = sample(
    noSampling,
    new Map([
      [1, 300],
      [2, 200],
    ]),
  )
  assert.equal(worth, 20)
  assert.deepEqual([dots.get(1), dots.get(2)], [15, 10])
})

test('what is left over is not lost', () => {
  const look = new Map([
    [1, 490],
    [2, 7],
  ])
  let [sampling, dots] = sample(noSampling, look)
  let second = dots.get(2) ?? 0
  for (let n = 1; n < 20; n++) {
    ;[sampling, dots] = sample(sampling, look)
    second += dots.get(2) ?? 0
  }
  assert.equal(second, 7)
})

test('after a rush a dot is one visit again, but not at once', () => {
  let [sampling] = sample(noSampling, new Map([[1, 600]]))
  ;[sampling] = sample(sampling, new Map([[1, 1]]))
  assert.equal(sampling.worth, 20)
  for (let n = 0; n < 6; n++) [sampling] = sample(sampling, new Map([[1, 1]]))
  assert.equal(sampling.worth, 1)
})

/** Numbers that look random and are the same each time. */
function dice(seed = 1): () => number {
  let state = seed
  return () => {
    state = (state * 16_807) % 2_147_483_647
    return state / 2_147_483_647
  }
}

test('every dot leaves before the next look, and lands within 600 ms', () => {
  const flights = launchDots(
    new Map([
      [1, 5],
      [2, 3],
    ]),
    dice(),
  )
  assert.equal(flights.filter(({ server }) => server === 1).length, 5)
  assert.equal(flights.filter(({ server }) => server === 2).length, 3)
  for (const { leavesIn } of flights) assert.ok(leavesIn >= 0 && leavesIn < 500)
  assert.ok(travelMs <= 600)
})

test('one dot leaves at once', () => {
  assert.equal(launchDots(new Map([[1, 1]]), dice())[0]?.leavesIn, 0)
})
