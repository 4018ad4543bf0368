import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleServerRow } from '../testing/samples.ts'
import type { ServerRow } from './api.ts'
import { shownRate, shownState, stateText } from './shown-state.ts'

const noon = Date.parse('2026-11-22T12:00:00.000Z')
const at = (ms: number) => new Date(noon + ms).toISOString()
const seenAtNoon = (state: ServerRow['state']) => sampleServerRow({ state, last_seen_at: at(0), rate: 4 })

test('a serving server is silent from three seconds on, by the clock of the snapshot', () => {
  for (const state of ['up', 'joining', 'draining'] as const) {
    assert.equal(shownState(seenAtNoon(state), at(2999)), state)
    assert.equal(shownState(seenAtNoon(state), at(3000)), 'silent')
    assert.equal(stateText(seenAtNoon(state), at(4700)), 'silent for 4 s')
  }
})

test('a lost or stopped server stays so, however long ago its last heartbeat is', () => {
  for (const state of ['lost', 'stopped'] as const)
    for (const ms of [0, 4000, 60_000]) assert.equal(stateText(seenAtNoon(state), at(ms)), state)
})

test('a heartbeat later than the snapshot is no silence: the clock was set back', () => {
  assert.equal(shownState(seenAtNoon('up'), at(-3_600_000)), 'up')
})

test('a rate is known only of a server that gives signs, on a board that is current', () => {
  assert.equal(shownRate(seenAtNoon('up'), at(0), true), 4)
  assert.equal(shownRate(seenAtNoon('draining'), at(0), true), 4)
  assert.equal(shownRate(seenAtNoon('up'), at(0), false), null)
  assert.equal(shownRate(seenAtNoon('up'), at(3000), true), null)
  assert.equal(shownRate(seenAtNoon('lost'), at(0), true), null)
})

test('while nothing is known of this moment, a state is that of the snapshot', () => {
  for (const state of ['up', 'lost', 'draining'] as const)
    assert.equal(stateText(seenAtNoon(state), at(0), false), `was ${state}`)
  assert.equal(stateText(seenAtNoon('up'), at(4700), false), 'was silent')
})
