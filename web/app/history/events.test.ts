import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { History, ServerRow } from '../../answers.ts'
import { placeOf, serverEvents } from './events.ts'

const minute = (count: number) => `2026-11-22T12:0${count}:00.000Z`
const times = [0, 1, 2, 3, 4, 5].map(minute)
const history: History = { range: '5m', step: 60, times, servers: [] }

function server(id: number, state: ServerRow['state'], started: string, seen = minute(5)) {
  return { id, srv_id: `s${id}`, name: `web-${id}`, state, started_at: started, last_seen_at: seen }
}

test('joins, losses and orderly leaves are told, newest first, and only those in range', () => {
  const events = serverEvents(history, [
    server(1, 'up', '2026-11-22T11:00:00.000Z'),
    server(2, 'up', minute(1)),
    server(3, 'lost', '2026-11-22T11:00:00.000Z', minute(4)),
    server(4, 'stopped', minute(2), minute(3)),
    server(5, 'joining', minute(5)),
  ])
  assert.deepEqual(
    events.map(({ kind, name }) => `${name} ${kind}`),
    ['web-3 lost', 'web-4 left', 'web-4 joined', 'web-2 joined'],
  )
})

test('of a server that is no longer shown only its last hits are known', () => {
  const lives = [
    { id: 7, srv_id: 's', name: 'web-7', hits: [1, 0, 3, 0, 0, 0] },
    { id: 1, srv_id: 's1', name: 'web-1', hits: [1, 1, 1, 1, 1, 1] },
  ]
  const events = serverEvents({ ...history, servers: lives }, [server(1, 'up', '2026-11-22T11:00:00.000Z')])
  assert.deepEqual(events, [{ kind: 'silent', id: 7, srv_id: 's', name: 'web-7', at: minute(2) }])
})

test('a time has its place between the first bucket’s start and the last one’s end', () => {
  assert.equal(placeOf(minute(0), history), 0)
  assert.equal(placeOf(minute(3), history), 0.5)
  assert.equal(placeOf('2026-11-22T13:00:00.000Z', history), 1)
})
