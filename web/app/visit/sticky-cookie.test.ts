import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleServerRow } from '../../testing/samples.ts'
import { goneServers } from './sticky-cookie.ts'

const at = '2026-11-22T12:00:00.000Z'
const server = (srv_id: string, state: 'up' | 'draining' | 'lost' | 'stopped', last_seen_at = at) =>
  sampleServerRow({ srv_id, state, last_seen_at })

test('a cookie leads to servers that can answer, and away from the silent, lost and stopped ones', () => {
  const silentSince = '2026-11-22T11:59:56.000Z'
  const servers = [server('a', 'up'), server('b', 'draining'), server('c', 'up', silentSince)]
  assert.deepEqual(goneServers({}, [...servers, server('d', 'lost'), server('e', 'stopped')], at), {
    a: '',
    b: '',
    c: 'is silent: your next visit may go',
    d: 'is lost: your next visit goes',
    e: 'has stopped: your next visit goes',
  })
})

test('a server that the board no longer shows stays gone, until it is back', () => {
  const seen = goneServers({}, [server('a', 'up'), server('b', 'lost')], at)
  const later = goneServers(seen, [], at)
  assert.deepEqual(later, { a: 'is gone: your next visit goes', b: 'is lost: your next visit goes' })
  assert.deepEqual(goneServers(later, [server('b', 'up')], at), { a: 'is gone: your next visit goes', b: '' })
})
