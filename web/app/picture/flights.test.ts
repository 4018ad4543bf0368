import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flightMs, launch } from './flights.ts'

/** Numbers that look random and are the same each time. */
function dice(seed = 1): () => number {
  let state = seed
  return () => {
    state = (state * 16_807) % 2_147_483_647
    return state / 2_147_483_647
  }
}

test('every dot leaves before the next look, and lands within 600 ms', () => {
  const flights = launch(
    new Map([
      [1, 5],
      [2, 3],
    ]),
    dice(),
  )
  assert.equal(flights.filter(({ server }) => server === 1).length, 5)
  assert.equal(flights.filter(({ server }) => server === 2).length, 3)
  for (const { leavesIn } of flights) assert.ok(leavesIn >= 0 && leavesIn < 500)
  assert.ok(flightMs <= 600)
})

test('one dot leaves at once', () => {
  assert.equal(launch(new Map([[1, 1]]), dice())[0]?.leavesIn, 0)
})
