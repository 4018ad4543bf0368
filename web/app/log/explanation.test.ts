import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow } from '../../answers.ts'
import { type Explained, explain } from './explanation.ts'

const at = '2026-11-22T12:00:00.000Z'
const later = '2026-11-22T12:00:05.000Z'

function web3(state: ServerRow['state'], lastSeen: string): ServerRow[] {
  const health = { p50_ms: null, p99_ms: null, errors: 0, streams: 0, memory_bytes: 0 }
  const figures = { hits: 0, share: 0, rate: 0, started_at: at, last_seen_at: lastSeen }
  return [{ id: 3, srv_id: 'c', name: 'web-3', address: '127.0.0.1:1', state, ...figures, ...health }]
}

const text = (row: Partial<Explained>, servers: ServerRow[] = []) =>
  explain(
    { arrival: 'moved', moved_from: { srv_id: 'c', name: 'web-3' }, server: 'web-2', at: later, ...row },
    servers,
  )
    .map(part => (typeof part === 'string' ? part : part.time))
    .join('')

test('a visit without a cookie, and one whose cookie was followed', () => {
  assert.equal(
    text({ arrival: 'new', moved_from: null }),
    'No cookie that names a server: NGINX chose among the available servers.',
  )
  assert.equal(
    text({ arrival: 'returning', moved_from: null }),
    'The cookie named web-2, and web-2 could answer.',
  )
})

test('a move is put down to a loss or a leave only when that came before it', () => {
  assert.equal(
    text({}, web3('lost', at)),
    `The cookie named web-3; web-3 is lost since ${at}, so NGINX chose another.`,
  )
  assert.equal(
    text({}, web3('stopped', at)),
    `The cookie named web-3; web-3 left at ${at}, so NGINX chose another.`,
  )
  assert.match(text({ at }, web3('lost', later)), /Why is not recorded\.$/)
})

test('a move from a server that is there, or of which nothing is known, is not explained away', () => {
  const unknown = 'The cookie named web-3, which did not answer; NGINX chose another. Why is not recorded.'
  assert.equal(text({}, web3('up', at)), unknown)
  assert.equal(text({}), unknown)
  assert.equal(
    text({ moved_from: { srv_id: 'd', name: null } }),
    'The cookie named a server that is no longer known; NGINX chose another.',
  )
})

test('of a visit that is not in the log yet nothing is made up', () => {
  assert.equal(text({ arrival: null }), 'More is known once this visit stands in the log.')
})
