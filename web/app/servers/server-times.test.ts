import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow } from '../../shared/api.ts'
import { uptimeMs } from './server-times.ts'

const health = { p50_ms: null, p99_ms: null, errors: 0, error_codes: {}, streams: 0, memory_bytes: 0 }
const server = (state: ServerRow['state']): ServerRow => ({
  id: 1,
  srv_id: 'a',
  name: 'web-1',
  address: '127.0.0.1:1',
  state,
  hits: 0,
  share: 0,
  rate: 0,
  started_at: '2026-11-22T12:00:00.000Z',
  last_seen_at: '2026-11-22T12:00:08.000Z',
  ...health,
})

test('a server runs until now; one that is gone ran until it was last seen', () => {
  const now = '2026-11-22T12:00:30.000Z'
  assert.equal(uptimeMs(server('up'), now), 30_000)
  assert.equal(uptimeMs(server('draining'), now), 30_000)
  assert.equal(uptimeMs(server('lost'), now), 8_000)
  assert.equal(uptimeMs(server('stopped'), now), 8_000)
})
