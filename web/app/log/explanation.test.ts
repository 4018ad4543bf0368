import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow } from '../../shared/api.ts'
import { type Explained, explain } from './explanation.ts'

const start = '2026-11-22T11:00:00.000Z'
const at = '2026-11-22T12:00:00.000Z'
const later = '2026-11-22T12:00:08.000Z'

function web3(state: ServerRow['state'], lastSeen: string): ServerRow[] {
  const health = { p50_ms: null, p99_ms: null, errors: 0, error_codes: {}, streams: 0, memory_bytes: 0 }
  const figures = { hits: 0, share: 0, rate: 0, started_at: start, last_seen_at: lastSeen }
  return [{ id: 3, srv_id: 'c', name: 'web-3', address: '127.0.0.1:1', state, ...figures, ...health }]
}

const text = (row: Partial<Explained>, servers: ServerRow[] = []) =>
  explain(
    { arrival: 'moved', moved_from: { srv_id: 'c', name: 'web-3' }, server: 'web-2', at: later, ...row },
    servers,
  )

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

test('a cookie may be that of a server that had the address before', () => {
  const maybe = (name: string) =>
    text({ arrival: 'returning', moved_from: null, maybe_from: { srv_id: 'c', name } })
  assert.equal(
    maybe('web-5'),
    'The cookie named the address of web-2, which web-5 had shortly before. It may be from either.',
  )
  assert.match(maybe('web-2'), /which an earlier start of web-2 had shortly before/)
})

test('a move is put down to what its server was by then, in the words that the visitor was told', () => {
  assert.equal(
    text({}, web3('lost', at)),
    'The cookie named web-3. web-3 was lost: no sign of it for 8 s. NGINX chose web-2.',
  )
})

test('a move from a server of which nothing is known by then is not explained away', () => {
  const unknown = 'The cookie named web-3. Why it was not reached is not recorded. NGINX chose web-2.'
  assert.equal(text({ at }, web3('lost', later)), unknown)
  assert.equal(text({}), unknown)
})

test('a cookie that names nobody is no move from anybody', () => {
  assert.equal(
    text({ moved_from: { srv_id: 'd', name: null } }),
    'The cookie named a server that is not known here. Another board on this host, at another port, may have set it: cookies know no ports. NGINX chose web-2, as for a new visitor.',
  )
})

test('of a visit whose arrival is not known yet nothing is made up', () => {
  assert.equal(text({ arrival: null }), 'What the log says of this visit is being read.')
})
