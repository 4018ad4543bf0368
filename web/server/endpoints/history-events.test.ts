import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Life } from '../db/read-lives.ts'
import { historyEvents } from './history-events.ts'

const minute = (count: number) => `2026-11-22T12:0${count}:00.000Z`
const since = new Date(minute(1))

function life(id: number, more: Partial<Life>): Life {
  const times = { started_at: minute(0), last_seen_at: minute(5), stopped_at: null }
  return { id, srv_id: `s${id}`, name: `web-${id}`, ...times, silent_ms: 1000, ...more }
}

const told = (lives: Life[]) =>
  historyEvents(lives, since).map(({ kind, name, at }) => `${name} ${kind} ${at.slice(14, 16)}`)

test('joins, losses and leaves are told, newest first, and only those since then', () => {
  const lives = [
    life(1, {}),
    life(2, { started_at: minute(2) }),
    life(3, { last_seen_at: minute(4), silent_ms: 60_000 }),
    life(4, { started_at: minute(1), last_seen_at: minute(3), stopped_at: minute(3) }),
  ]
  assert.deepEqual(told(lives), ['web-3 lost 04', 'web-4 left 03', 'web-2 joined 02', 'web-4 joined 01'])
})

test('a server that was silent for long before another followed it was lost, not gone in good order', () => {
  const lives = [life(5, { last_seen_at: minute(2), stopped_at: minute(3), silent_ms: 60_000 })]
  assert.deepEqual(told(lives), ['web-5 lost 02'])
})
