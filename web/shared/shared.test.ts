import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleLogRow, sampleServerRow } from '../testing/samples.ts'
import { agrees, isLiveOutage, isSnapshot, type ServerRow, type ServerState } from './api.ts'
import { readAs } from './guards.ts'
import { packView, unpackView } from './packed-snapshot.ts'
import { shownRate, shownState, stateText } from './shown-state.ts'
import { countdown, elapsed, lengthInWords, localTimes, utcTime } from './times.ts'
import { movedText, whyNotReached } from './wording.ts'

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

const movedStart = '2026-11-22T11:00:00.000Z'
const movedSeen = '2026-11-22T12:00:00.000Z'
const movedAt = '2026-11-22T12:00:09.000Z'

test('a move says from where to where and why, and that the visit was counted', () => {
  const from = { name: 'web-3', started_at: movedStart, last_seen_at: movedSeen } as const
  const moved = (state: ServerState, at = movedAt) => movedText({ ...from, state }, 'web-1', at)
  const sent = 'so NGINX sent you to web-1. Your visit was counted.'
  assert.equal(moved('lost'), `web-3 went silent 9 s before, ${sent}`)
  assert.equal(moved('lost', '2026-11-22T12:00:01.200Z'), `web-3 went silent 1 s before, ${sent}`)
  assert.equal(moved('up'), `web-3 went silent 9 s before, ${sent}`)
  assert.equal(moved('stopped'), `web-3 had stopped, ${sent}`)
  assert.equal(moved('draining'), `web-3 was draining and did not take your visit, ${sent}`)
  assert.equal(moved('joining'), `web-3 was restarting, ${sent}`)
  assert.equal(
    moved('up', '2026-11-22T10:59:57.500Z'),
    `web-3 did not answer and was restarted 2 s later, ${sent}`,
  )
  assert.equal(
    moved('up', '2026-11-22T12:00:01.200Z'),
    'web-3 did not take your visit, so NGINX sent you to web-1. Your visit was counted. web-3 was up at its last heartbeat, 1 s before. Why it did not take the visit is not recorded.',
  )
})

test('the text for an unknown cookie claims neither a move nor a loss', () => {
  assert.equal(
    movedText(null, 'web-1', movedAt),
    'Your cookie named a server that is not known here. Another board on this host may have set it: cookies are shared by all ports. NGINX chose web-1, as for a new visitor.',
  )
})

const start = '2026-11-22T11:00:00.000Z'
const seen = '2026-11-22T12:00:00.000Z'
const later = '2026-11-22T12:00:14.900Z'

const why = (state: ServerState, at = later) =>
  whyNotReached({ name: 'web-3', state, started_at: start, last_seen_at: seen }, at)

test('each state has its words', () => {
  assert.equal(why('lost'), 'web-3 was lost: no heartbeat for 14 s.')
  assert.equal(
    why('lost', '2026-11-22T12:00:01.200Z'),
    'web-3 is lost: its last heartbeat came 1 s before the visit.',
  )
  assert.equal(why('stopped'), 'web-3 had stopped.')
  assert.equal(why('draining'), 'web-3 was draining.')
  assert.equal(why('joining'), 'web-3 was restarting.')
  assert.equal(
    why('up'),
    'web-3 was up at its last heartbeat, 14 s before. Why it did not take the visit is not recorded.',
  )
})

test('a heartbeat after the visit says nothing about it, nor does an unknown server', () => {
  const unknown = 'Why it did not take the visit is not recorded.'
  assert.equal(why('lost', '2026-11-22T11:59:59.999Z'), unknown)
  assert.equal(whyNotReached(undefined, later), unknown)
})

test('an instance that starts soon after the visit is a restart; a later one says nothing', () => {
  assert.equal(why('up', '2026-11-22T10:59:57.500Z'), 'web-3 was restarted 2 s after the visit.')
  assert.equal(why('up', '2026-11-22T10:58:59.000Z'), 'Why it did not take the visit is not recorded.')
})

const now = () => Date.parse('2026-11-22T20:00:00.000Z')

test('times follow the reader’s locale and zone', () => {
  assert.equal(localTimes('en-GB', 'Europe/Zurich', now).second('2026-11-22T12:04:31.203Z'), '13:04:31')
  assert.equal(localTimes('de-DE', 'UTC', now).moment('2026-11-22T12:04:31.203Z'), '12:04:31,203')
})

test('a time of another day says which, by the reader’s midnight', () => {
  const zurich = localTimes('en-GB', 'Europe/Zurich', now)
  assert.equal(zurich.second('2026-11-21T22:59:59.999Z'), '21 Nov, 23:59:59')
  assert.equal(zurich.second('2026-11-21T23:00:00.000Z'), '00:00:00')
})

test('before the reader’s zone is known times are UTC and say so', () => {
  assert.equal(utcTime('2026-11-22T12:04:31.203Z', '2026-11-22T12:04:32.000Z'), '12:04:31.203 UTC')
  assert.equal(utcTime('2026-11-21T12:04:31.203Z', '2026-11-22T12:04:32.000Z'), '2026-11-21 12:04 UTC')
})

test('a countdown starts full, ends at zero and stays there', () => {
  assert.equal(countdown(300_000), '5:00')
  assert.equal(countdown(299_001), '5:00')
  assert.equal(countdown(272_000), '4:32')
  assert.equal(countdown(1), '0:01')
  assert.equal(countdown(0), '0:00')
  assert.equal(countdown(-5000), '0:00')
  assert.equal(countdown(3_872_000), '1:04:32')
})

test('what has lasted is said in one unit', () => {
  assert.equal(elapsed(12_900), '12 s')
  assert.equal(elapsed(-1), '0 s')
  assert.equal(elapsed(240_000), '4 min')
  assert.equal(elapsed(7_300_000), '2 h')
})

test('a length that was set is said in words', () => {
  assert.equal(lengthInWords(300), '5 minutes')
  assert.equal(lengthInWords(60), '1 minute')
  assert.equal(lengthInWords(90), '90 seconds')
  assert.equal(lengthInWords(1), '1 second')
})

const noon = Date.parse('2026-11-22T12:00:00.000Z')
const at = (ms: number) => new Date(noon + ms).toISOString()
const seenAtNoon = (state: ServerRow['state']) => sampleServerRow({ state, last_seen_at: at(0), rate: 4 })

test('a serving server is silent from three seconds on, by the clock of the snapshot', () => {
  for (const state of ['up', 'joining', 'draining'] as const) {
    assert.equal(shownState(seenAtNoon(state), at(2999)), state)
    assert.equal(shownState(seenAtNoon(state), at(3000)), 'silent')
    assert.equal(stateText(seenAtNoon(state), at(4700)), 'silent for 4 s')
  }
})

test('a lost or stopped server stays so, however long ago its last heartbeat is', () => {
  for (const state of ['lost', 'stopped'] as const)
    for (const ms of [0, 4000, 60_000]) assert.equal(stateText(seenAtNoon(state), at(ms)), state)
})

test('a heartbeat later than the snapshot is no silence: the clock was set back', () => {
  assert.equal(shownState(seenAtNoon('up'), at(-3_600_000)), 'up')
})

test('a rate is known only of a server that gives signs, on a board that is current', () => {
  assert.equal(shownRate(seenAtNoon('up'), at(0), true), 4)
  assert.equal(shownRate(seenAtNoon('draining'), at(0), true), 4)
  assert.equal(shownRate(seenAtNoon('up'), at(0), false), null)
  assert.equal(shownRate(seenAtNoon('up'), at(3000), true), null)
  assert.equal(shownRate(seenAtNoon('lost'), at(0), true), null)
})

test('while nothing is known of this moment, a state is that of the snapshot', () => {
  for (const state of ['up', 'lost', 'draining'] as const)
    assert.equal(stateText(seenAtNoon(state), at(0), false), `was ${state}`)
  assert.equal(stateText(seenAtNoon('up'), at(4700), false), 'was silent')
})
