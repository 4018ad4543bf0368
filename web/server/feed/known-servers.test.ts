import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow } from '../../shared/api.ts'
import { KnownServers } from './known-servers.ts'

function server(srv_id: string, state: ServerRow['state'] = 'up'): ServerRow {
  const times = { started_at: '', last_seen_at: '' }
  const health = { p50_ms: null, p99_ms: null, errors: 0, error_codes: {}, streams: 0, memory_bytes: 0 }
  const figures = { hits: 0, share: 0, rate: 0 }
  return { id: 1, srv_id, name: `web-${srv_id}`, address: '', state, ...figures, ...times, ...health }
}

test('a server that is no longer shown is known as it was last', () => {
  const known = new KnownServers()
  known.note([server('1'), server('2')])
  known.note([server('1'), server('2', 'lost')])
  known.note([server('1')])
  assert.equal(known.find('2')?.state, 'lost')
  assert.equal(known.find('3'), null)
})

test('those not seen for longest are forgotten first', () => {
  const known = new KnownServers()
  for (let number = 0; number < 1000; number++) known.note([server('kept'), server(String(number))])
  assert.equal(known.find('0'), null)
  assert.equal(known.find('1')?.name, 'web-1')
  assert.equal(known.find('kept')?.name, 'web-kept')
})
