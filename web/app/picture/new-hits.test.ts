import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow, Snapshot } from '../../shared/api.ts'
import { newHits } from './new-hits.ts'

function board(second: number, hits: Record<number, number>): Snapshot {
  const at = `2026-11-22T12:00:${String(second).padStart(2, '0')}.000Z`
  const servers = Object.entries(hits).map(
    ([id, count]): ServerRow => ({
      id: Number(id),
      srv_id: `srv ${id}`,
      name: `web-${id}`,
      address: '127.0.0.1:3000',
      state: 'up',
      hits: count,
      share: 0,
      rate: 0,
      started_at: at,
      last_seen_at: at,
      p50_ms: null,
      p99_ms: null,
      errors: 0,
      error_codes: {},
      streams: 0,
      memory_bytes: 0,
    }),
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
