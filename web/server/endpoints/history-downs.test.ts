import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Life } from '../db/read-lives.ts'
import { historyDowns } from './history-downs.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22, 12, 0, seconds)).toISOString()
const now = new Date(at(300))

/** Of web-1 unless said, alive since the hour; times are seconds after it. */
function life(id: number, started: number, seen: number, stopped: number | null, name = 'web-1'): Life {
  const silent_ms = ((stopped ?? 300) - seen) * 1000
  const times = {
    started_at: at(started),
    last_seen_at: at(seen),
    stopped_at: stopped === null ? null : at(stopped),
  }
  return { id, srv_id: `s of ${name}`, name, ...times, silent_ms }
}

const told = (lives: Life[]) =>
  historyDowns(lives, now).map(({ name, times, ms }) => `${name} ${times} ${ms / 1000}`)

test('who was lost is down from the last sign to the next life, and time by time it adds up', () => {
  const lives = [life(1, 0, 20, 50), life(2, 50, 100, 103), life(3, 103, 299, null)]
  assert.deepEqual(told(lives.toReversed()), ['web-1 2 33'])
})

test('who was lost and did not come back is down until now, the longest first', () => {
  assert.deepEqual(told([life(1, 0, 280, null), life(2, 0, 200, null, 'web-2')]), [
    'web-2 1 100',
    'web-1 1 20',
  ])
})

test('who left in good order was not down, though another life began at the address later', () => {
  assert.deepEqual(told([life(1, 0, 20, 21), life(2, 60, 299, null)]), [])
  assert.deepEqual(told([life(1, 0, 20, 21)]), [])
})

for (const [words, lives, expected] of [
  ['still down: all of the range counts', [life(1, 0, 20, null)], ['web-1 1 200']],
  ['back within the range', [life(1, 0, 20, 150), life(2, 150, 299, null)], ['web-1 1 50']],
  ['back before the range', [life(1, 0, 20, 90), life(2, 90, 299, null)], []],
  [
    'back, and down again',
    [life(1, 0, 20, 150), life(2, 150, 200, 240), life(3, 240, 299, null)],
    ['web-1 2 90'],
  ],
  ['it left in good order long ago', [life(1, 0, 20, 21)], []],
] as const) {
  test(`down since before the range, ${words}`, () => {
    const downs = historyDowns([...lives], now, new Date(at(100)))
    assert.deepEqual(
      downs.map(({ name, times, ms }) => `${name} ${times} ${ms / 1000}`),
      expected,
    )
  })
}

test('addresses do not follow one another', () => {
  assert.deepEqual(told([life(1, 0, 20, 21), life(2, 21, 299, null, 'web-2')]), [])
})
