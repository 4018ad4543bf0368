import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleLogRow, sampleServerRow } from '../testing/samples.ts'
import { agrees, isLiveOutage, isSnapshot } from './api.ts'
import { readAs } from './guards.ts'
import { packView, unpackView } from './packed-snapshot.ts'

const server = sampleServerRow({
  hits: 2,
  new_hits: 1,
  moved_hits: 1,
  commits: 2,
  share: 1,
  rate: 0.5,
  restarted_at: '2026-11-22T12:00:00.000Z',
  restart: 'killed',
  last_seen_at: '2026-11-22T12:00:01.000Z',
  p99_ms: 3.5,
  errors: 4,
  error_codes: { overloaded: 3, outcome_unknown: 1 },
  streams: 1,
  memory_bytes: 1,
})
const row = sampleLogRow({
  id: 2,
  client_ip: '::1',
  arrival: 'moved',
  moved_from: { srv_id: 'b'.repeat(32), name: null },
})
const snapshot = {
  counter: 2,
  at: '2026-11-22T12:00:00.000Z',
  servers: [server],
  earlier_hits: 0,
  log: [row],
}

test('a snapshot is read as it is', () => {
  assert.deepEqual(readAs(isSnapshot, JSON.stringify(snapshot)), snapshot)
})

test('fields that a newer server adds do no harm', () => {
  assert.notEqual(readAs(isSnapshot, JSON.stringify({ ...snapshot, more: 1 })), null)
})

test('what is not a snapshot is refused', () => {
  const wrong = [
    'not json',
    'null',
    '[]',
    '{"error":{"code":"x","message":"y"}}',
    JSON.stringify({ ...snapshot, counter: '2' }),
    JSON.stringify({ ...snapshot, at: 'noon' }),
    JSON.stringify({ ...snapshot, servers: [{ ...server, state: 'asleep' }] }),
    JSON.stringify({ ...snapshot, servers: [{ ...server, restart: 'lost' }] }),
    JSON.stringify({ ...snapshot, servers: [{ ...server, commits: null }] }),
    JSON.stringify({ ...snapshot, servers: [{ ...server, error_codes: { overloaded: '3' } }] }),
    JSON.stringify({ ...snapshot, servers: [{ ...server, error_codes: [] }] }),
    JSON.stringify({ ...snapshot, log: [{ ...row, moved_from: {} }] }),
  ]
  for (const json of wrong) assert.equal(readAs(isSnapshot, json), null, json)
})

test('an outage has its start', () => {
  assert.deepEqual(readAs(isLiveOutage, '{"since":"2026-11-22T12:00:00.000Z"}'), {
    since: '2026-11-22T12:00:00.000Z',
  })
  assert.equal(readAs(isLiveOutage, '{}'), null)
})

test('a snapshot agrees if the counter equals the hits of current and earlier servers, and the newest row of the log', () => {
  const isEqual = (counter: number, hits: number[], earlier_hits: number, ids: number[] = []) => {
    const servers = hits.map(count => sampleServerRow({ hits: count }))
    const log = ids.map(id => sampleLogRow({ id }))
    return agrees({ counter, at: '2026-11-22T12:00:00.000Z', servers, earlier_hits, log })
  }
  assert.equal(isEqual(0, [], 0), true)
  assert.equal(isEqual(10, [3, 5], 2), true)
  assert.equal(isEqual(10, [3, 5], 1), false)
  assert.equal(isEqual(10, [3, 5], 2, [10, 9]), true)
  assert.equal(isEqual(10, [3, 5], 2, [9, 8]), false)
  assert.equal(isEqual(10, [3, 5], 2, [11, 10]), false)
})

test('a packed view is the view again: rows out of order, of other days, by servers with and without a name', () => {
  const [a, b] = [
    { srv_id: 'a'.repeat(32), name: 'web-1' },
    { srv_id: 'b'.repeat(32), name: 'web 2, it; "is"' },
  ]
  const unknown = { srv_id: 'b'.repeat(32), name: null }
  const log = [
    sampleLogRow({ id: 104_233, at: '2026-11-22T00:00:00.003Z' }),
    sampleLogRow({
      id: 104_232,
      at: '2026-11-22T00:00:00.900Z',
      client_ip: '2001:db8::x',
      arrival: 'returning',
    }),
    sampleLogRow({ id: 104_230, at: '2026-11-21T23:59:59.999Z', arrival: 'moved', moved_from: unknown }),
    sampleLogRow({ id: 104_229, srv_id: b.srv_id, server: b.name, arrival: 'moved', moved_from: a }),
    sampleLogRow({ id: 7, arrival: 'returning', maybe_from: b }),
    sampleLogRow({ id: 6, arrival: 'moved', moved_from: b, maybe_from: a }),
  ]
  const view = {
    snapshot: { ...snapshot, log },
    visit: null,
    problem: null,
    server: { id: 1, srv_id: a.srv_id, name: a.name, address: '10.0.0.1:3000' },
    monitoring: { prometheus: null, grafana: null, hasAlerts: false },
    sticky_seconds: 300,
  }
  for (const rows of [log, log.slice(0, 1), []]) {
    const shown = { ...view, snapshot: { ...snapshot, log: rows } }
    assert.deepEqual(unpackView(JSON.parse(JSON.stringify(packView(shown)))), shown)
  }
})
