import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow } from '../../shared/api.ts'
import { giveHues } from './hues.ts'

function server(id: number, srvId: string): ServerRow {
  const at = '2026-11-22T12:00:00.000Z'
  const health = { p50_ms: null, p99_ms: null, errors: 0, error_codes: {}, streams: 0, memory_bytes: 0 }
  const figures = { hits: 0, share: 0, rate: 0, started_at: at, last_seen_at: at }
  return { id, srv_id: srvId, name: srvId, address: '127.0.0.1:1', state: 'up', ...figures, ...health }
}

test('colours go by the order of the rows, so a restart does not shuffle them', () => {
  assert.deepEqual(giveHues({}, [server(3, 'a'), server(1, 'b'), server(2, 'c')]), { a: 0, b: 1, c: 2 })
})

test('two lives of an address share a colour', () => {
  assert.deepEqual(giveHues({}, [server(1, 'a'), server(2, 'b'), server(3, 'a')]), { a: 0, b: 1 })
})

test('who has a colour keeps it when others leave, and a newcomer takes the next', () => {
  assert.deepEqual(giveHues({ a: 0, b: 1 }, [server(2, 'b'), server(3, 'c')]), { a: 0, b: 1, c: 2 })
})
