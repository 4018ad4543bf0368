import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Instance, Silence } from '../db/history.ts'
import { bucketStarts, historyBuckets, historyDowns, historyEvents } from './history.ts'

test('five minutes are sixty whole buckets of five seconds and the current one', () => {
  const buckets = historyBuckets('5m', new Date('2026-11-22T12:04:31.203Z'))
  const starts = bucketStarts(buckets)
  assert.deepEqual([buckets.bucketSeconds, starts.length], [5, 61])
  assert.deepEqual(
    [starts[0], starts[1], starts.at(-1)],
    ['2026-11-22T11:59:30.000Z', '2026-11-22T11:59:35.000Z', '2026-11-22T12:04:30.000Z'],
  )
})

test('an hour is in minutes, a day in tens of minutes', () => {
  const now = new Date('2026-11-22T12:04:31.203Z')
  const hour = historyBuckets('1h', now)
  assert.equal(hour.bucketSeconds, 60)
  assert.equal(bucketStarts(hour).length, 61)
  assert.equal(bucketStarts(hour)[0], '2026-11-22T11:04:00.000Z')
  const day = historyBuckets('24h', now)
  assert.equal(day.bucketSeconds, 600)
  assert.equal(bucketStarts(day).length, 145)
  assert.equal(bucketStarts(day)[0], '2026-11-21T12:00:00.000Z')
  assert.equal(bucketStarts(day).at(-1), '2026-11-22T12:00:00.000Z')
})

test('a new bucket begins on the edge, not before', () => {
  const last = (now: string) => bucketStarts(historyBuckets('24h', new Date(now))).at(-1)
  assert.equal(last('2026-11-22T12:09:59.999Z'), '2026-11-22T12:00:00.000Z')
  assert.equal(last('2026-11-22T12:10:00.000Z'), '2026-11-22T12:10:00.000Z')
})

const minute = (count: number) => `2026-11-22T12:0${count}:00.000Z`
const since = new Date(minute(1))

function eventInstance(id: number, more: Partial<Instance>): Instance {
  const times = {
    started_at: minute(0),
    last_seen_at: minute(5),
    stopped_at: null,
    ended: null,
    ended_by_control: null,
  }
  return { id, srv_id: `s${id}`, name: `web-${id}`, ...times, silent_ms: 1000, ...more }
}

const eventTexts = (instances: Instance[], silences: Silence[] = []) =>
  historyEvents(instances, silences, since).map(({ type, name, at }) => `${name} ${type} ${at.slice(14, 16)}`)

test('starts, losses and stops are reported, newest first, and only those since then', () => {
  const instances = [
    eventInstance(1, {}),
    eventInstance(2, { started_at: minute(2) }),
    eventInstance(3, { last_seen_at: minute(4), silent_ms: 60_000 }),
    eventInstance(4, { started_at: minute(1), last_seen_at: minute(3), stopped_at: minute(3) }),
  ]
  assert.deepEqual(eventTexts(instances), [
    'web-3 lost 04',
    'web-4 stopped 03',
    'web-2 joined 02',
    'web-4 joined 01',
  ])
})

test('a server that was silent for long before another followed it was lost, not gone in good order', () => {
  const instances = [eventInstance(5, { last_seen_at: minute(2), stopped_at: minute(3), silent_ms: 60_000 })]
  assert.deepEqual(eventTexts(instances), ['web-5 lost 02'])
})

test('an instance that ended without a goodbye was killed at its last heartbeat, and one that stopped was not', () => {
  const ends = { last_seen_at: minute(2), stopped_at: minute(3) } as const
  const next = { srv_id: 's1', name: 'web-1', started_at: minute(3) }
  const typeOf = (ended: Instance['ended'], more: Partial<Instance>) =>
    eventTexts([eventInstance(1, { ...ends, ended }), eventInstance(2, { ...next, ...more })]).filter(
      text => !text.includes('joined'),
    )
  assert.deepEqual(typeOf('killed', {}), ['web-1 killed 02'])
  assert.deepEqual(typeOf('stopped', {}), ['web-1 stopped 03'])
  // A server of an earlier release does not say which.
  assert.deepEqual(typeOf(null, {}), ['web-1 killed 02'])
  assert.deepEqual(typeOf(null, { started_at: minute(4) }), ['web-1 stopped 03'])
  assert.deepEqual(typeOf(null, { srv_id: 's2' }), ['web-1 stopped 03'])
})

test('what control did says so: a kill immediately, also if the server was silent for long before it is back; a restart; a drain', () => {
  const byControl = (instances: Instance[]) =>
    historyEvents(instances, [], since).map(({ type, by, name }) => `${name} ${type} ${by}`)
  const killed = eventInstance(1, { ended_by_control: 'kill', last_seen_at: minute(2) })
  for (const more of [{}, { silent_ms: 60_000 }, { stopped_at: minute(3), ended: 'killed' } as const])
    assert.deepEqual(byControl([{ ...killed, ...more }]), ['web-1 killed control'])
  const restarted = eventInstance(2, { ended_by_control: 'restart', stopped_at: minute(5), ended: 'stopped' })
  assert.deepEqual(byControl([restarted]), ['web-2 stopped control'])
  // It has acknowledged, and was then lost for another reason.
  assert.deepEqual(byControl([{ ...restarted, stopped_at: null, silent_ms: 60_000 }]), ['web-2 lost null'])
  const drain = { id: 3, srv_id: 's3', name: 'web-3', type: 'drain', at: minute(4) } as const
  const drains = [drain, { ...drain, type: 'undrain', at: minute(5) } as const]
  assert.deepEqual(
    historyEvents([], [], since, drains).map(({ type, by }) => `${type} ${by}`),
    ['undrained control', 'draining control'],
  )
})

test('an instance that was lost and went on stays lost at that time, and is back, each once', () => {
  const silence = { id: 1, srv_id: 's1', name: 'web-1', from: minute(2), until: minute(3) }
  assert.deepEqual(eventTexts([eventInstance(1, {})], [silence]), ['web-1 back 03', 'web-1 lost 02'])
  // Its row was read just before its heartbeat.
  const lost = eventInstance(1, { last_seen_at: minute(2), silent_ms: 60_000 })
  assert.deepEqual(eventTexts([lost], [silence]), ['web-1 back 03', 'web-1 lost 02'])
})

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22, 12, 0, seconds)).toISOString()
const now = new Date(at(300))

/** By default web-1, running since the full hour; times are seconds after that. */
function downInstance(
  id: number,
  started: number,
  seen: number,
  stopped: number | null,
  name = 'web-1',
): Instance {
  const silent_ms = ((stopped ?? 300) - seen) * 1000
  const times = {
    started_at: at(started),
    last_seen_at: at(seen),
    stopped_at: stopped === null ? null : at(stopped),
    ended: null,
    ended_by_control: null,
  }
  return { id, srv_id: `s of ${name}`, name, ...times, silent_ms }
}

const downTexts = (instances: Instance[], silences: Silence[] = []) =>
  historyDowns(instances, silences, now).map(({ name, times, ms }) => `${name} ${times} ${ms / 1000}`)

test('a lost server is down from its last heartbeat to its next start, and the times add up', () => {
  const instances = [
    downInstance(1, 0, 20, 50),
    downInstance(2, 50, 100, 103),
    downInstance(3, 103, 299, null),
  ]
  assert.deepEqual(downTexts(instances.toReversed()), ['web-1 2 33'])
})

test('a lost server that did not come back is down until now, longest first', () => {
  assert.deepEqual(downTexts([downInstance(1, 0, 280, null), downInstance(2, 0, 200, null, 'web-2')]), [
    'web-2 1 100',
    'web-1 1 20',
  ])
})

test('a server that left in good order was not down, although another one started at the address later', () => {
  assert.deepEqual(downTexts([downInstance(1, 0, 20, 21), downInstance(2, 60, 299, null)]), [])
  assert.deepEqual(downTexts([downInstance(1, 0, 20, 21)]), [])
})

for (const [words, instances, expected] of [
  ['still down: all of the range counts', [downInstance(1, 0, 20, null)], ['web-1 1 200']],
  ['back within the range', [downInstance(1, 0, 20, 150), downInstance(2, 150, 299, null)], ['web-1 1 50']],
  ['back before the range', [downInstance(1, 0, 20, 90), downInstance(2, 90, 299, null)], []],
  [
    'back, and down again',
    [downInstance(1, 0, 20, 150), downInstance(2, 150, 200, 240), downInstance(3, 240, 299, null)],
    ['web-1 2 90'],
  ],
  ['it left in good order long ago', [downInstance(1, 0, 20, 21)], []],
] as const) {
  test(`down since before the range, ${words}`, () => {
    const downs = historyDowns([...instances], [], now, new Date(at(100)))
    assert.deepEqual(
      downs.map(({ name, times, ms }) => `${name} ${times} ${ms / 1000}`),
      expected,
    )
  })
}

test('addresses do not follow one another', () => {
  assert.deepEqual(downTexts([downInstance(1, 0, 20, 21), downInstance(2, 21, 299, null, 'web-2')]), [])
})

test('a time in which an instance was lost and then went on is a downtime, within the range', () => {
  const instances = [downInstance(1, 0, 299, null)]
  const silence = { id: 1, srv_id: 's of web-1', name: 'web-1', from: at(20), until: at(32) }
  assert.deepEqual(downTexts(instances, [silence]), ['web-1 1 12'])
  assert.deepEqual(downTexts(instances, [silence, { ...silence, from: at(50), until: at(57) }]), [
    'web-1 2 19',
  ])
  const during = historyDowns(instances, [silence], now, new Date(at(30)))
  assert.deepEqual(
    during.map(({ times, ms }) => [times, ms]),
    [[1, 2000]],
  )
  assert.deepEqual(historyDowns(instances, [silence], now, new Date(at(32))), [])
})

test('an instance that just went on, and is still lost by its row, was down once', () => {
  const silence = { id: 1, srv_id: 's of web-1', name: 'web-1', from: at(288), until: at(299) }
  assert.deepEqual(downTexts([downInstance(1, 0, 288, null)], [silence]), ['web-1 1 12'])
  const earlier = { ...silence, from: at(20), until: at(32) }
  assert.deepEqual(downTexts([downInstance(1, 0, 288, null)], [silence, earlier]), ['web-1 2 24'])
})
