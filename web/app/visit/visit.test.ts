import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerState } from '../../shared/api.ts'
import { sampleServerRow } from '../../testing/samples.ts'
import { goneServers } from './sticky-cookie.ts'
import { readStreak, withVisit } from './streak.ts'

const at = '2026-11-22T12:00:00.000Z'
const server = (srv_id: string, state: ServerState, last_seen_at = at) =>
  sampleServerRow({ srv_id, state, last_seen_at })

test('a cookie leads to servers that can answer, and away from the silent, lost, stopped and restarting ones', () => {
  const silentSince = '2026-11-22T11:59:56.000Z'
  const servers = [server('a', 'up'), server('b', 'draining'), server('c', 'up', silentSince)]
  servers.push(server('d', 'lost'), server('e', 'stopped'), server('f', 'joining'))
  assert.deepEqual(goneServers({}, servers, at), {
    a: '',
    b: '',
    c: 'is silent: your next visit may go',
    d: 'is lost: your next visit goes',
    e: 'has stopped: your next visit goes',
    f: 'is restarting: your next visit may go',
  })
})

test('a server that the board no longer shows stays gone, until it is back', () => {
  const seen = goneServers({}, [server('a', 'up'), server('b', 'lost')], at)
  const later = goneServers(seen, [], at)
  assert.deepEqual(later, { a: 'is gone: your next visit goes', b: 'is lost: your next visit goes' })
  assert.deepEqual(goneServers(later, [server('b', 'up')], at), { a: 'is gone: your next visit goes', b: '' })
})

test('the first visit starts a streak, and each visit to the same server extends it', () => {
  const first = withVisit(null, '7', 'a')
  assert.equal(first.times, 1)
  assert.equal(withVisit(withVisit(first, '9', 'a'), '12', 'a').times, 3)
})

test('the same visit counts once', () => {
  const first = withVisit(null, '7', 'a')
  assert.deepEqual(withVisit(first, '7', 'a'), first)
})

test('another server ends it', () => {
  const before = { srv_id: 'a', hit: '7', times: 5 }
  assert.deepEqual(withVisit(before, '8', 'b'), { srv_id: 'b', hit: '8', times: 1 })
})

test('invalid text is not a streak', () => {
  for (const text of [null, '', '{', '[]', '{"srv_id":1}']) assert.equal(readStreak(text), null)
  const streak = { srv_id: 'a', hit: '7', times: 5 }
  assert.deepEqual(readStreak(JSON.stringify(streak)), streak)
})
