import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startStubServer } from '../../../tools/lib/testing.ts'
import type { FiringAlert, ServerState } from '../../shared/api.ts'
import { sampleBoardServer, sampleLogRow, sampleServerRow } from '../../testing/samples.ts'
import { serverState } from '../db/server-state.ts'
import { FiringAlerts, readAlertmanager } from './alerts.ts'
import { Board, KnownServers, toSnapshot } from './board.ts'

const server = sampleBoardServer({
  own: totals(30),
  lastSeenAt: '2026-11-22T12:00:01.000Z',
  rate: 4.5,
  p50Ms: 2,
  p99Ms: 9,
  streams: 3,
  memoryBytes: 1,
})

/** `hits` hits by new visitors, in as many commits. */
function totals(hits: number) {
  return { hits, newHits: hits, returningHits: 0, movedHits: 0, commits: hits }
}

const row = (id: number) => sampleLogRow({ id })

/** A database that has counted `counter` hits and records the `after` of each reading. */
function fakeDatabase() {
  const database = { counter: 0, readAfter: [] as number[], away: false }
  const board = new Board(async after => {
    database.readAfter.push(after)
    if (database.away) throw new Error('away')
    const { counter } = database
    const from = Math.max(after + 1, counter - 49)
    const log = Array.from({ length: Math.max(0, counter - from + 1) }, (_, index) => row(counter - index))
    const afterAt = after > 0 && after <= counter ? row(after).at : null
    return { counter, totalHits: counter, at: '2026-11-22T12:00:02.000Z', servers: [server], log, afterAt }
  })
  return { database, board }
}

test('the first that applies is the state: stopped, lost, draining, joining, up', () => {
  const signs = { stopped: false, silentMs: 5999, draining: false, ready: true }
  assert.equal(serverState(signs), 'up')
  assert.equal(serverState({ ...signs, ready: false }), 'joining')
  assert.equal(serverState({ ...signs, draining: true }), 'draining')
  assert.equal(serverState({ ...signs, draining: true, silentMs: 6001 }), 'lost')
  assert.equal(serverState({ ...signs, silentMs: 60_000, stopped: true }), 'stopped')
})

test('shown servers and earlier hits add up to the counter', () => {
  const snapshot = toSnapshot({ counter: 40, totalHits: 40, at: '', servers: [server] }, [])
  assert.equal(snapshot.earlier_hits, 10)
  assert.equal(snapshot.servers[0]?.share, 0.75)
})

test('a restarted server goes on from the totals of its earlier instances', () => {
  const restarted = { ...server, id: 7, carried: totals(12), earlierEnded: 'killed' as const }
  const { servers, earlier_hits } = toSnapshot(
    { counter: 50, totalHits: 50, at: '', servers: [restarted] },
    [],
  )
  const [row] = servers
  assert.deepEqual([row?.hits, row?.new_hits, row?.commits, row?.share, earlier_hits], [42, 42, 42, 0.84, 8])
  assert.deepEqual([row?.restart, row?.restarted_at], ['killed', restarted.startedAt])
})

test('of several live instances at an address only the first adds what it carries, so no hit is counted twice', () => {
  const carrying = (id: number, own: number, carried: number) =>
    sampleBoardServer({ id, own: totals(own), carried: totals(carried), earlierEnded: 'killed' })
  const other = sampleBoardServer({ id: 9, srvId: 'b'.repeat(32), own: totals(4), carried: totals(6) })
  // What 3 carries was counted by 2 and by what 2 carries; 5 carries that too, and 20 hits of 3.
  const shown = [carrying(5, 7, 100), other, carrying(3, 25, 60), carrying(2, 40, 30)]
  const total = 30 + 40 + 25 + 7 + 10
  const reading = { counter: total, totalHits: total, at: '' }
  const { servers, earlier_hits } = toSnapshot({ ...reading, servers: shown }, [])
  assert.deepEqual(
    servers.map(({ hits, new_hits, restart }) => [hits, new_hits, restart]),
    [
      [7, 7, null],
      [10, 10, null],
      [25, 25, null],
      [70, 70, 'killed'],
    ],
  )
  assert.equal(earlier_hits, 0)
  const [, , , ...alone] = shown.toReversed()
  assert.equal(toSnapshot({ ...reading, servers: alone }, []).earlier_hits, 5)
})

test('a server that is gone serves nothing, whatever it said last', () => {
  const lost = { ...server, silentMs: 7000 }
  const [row] = toSnapshot({ counter: 30, totalHits: 30, at: '', servers: [lost] }, []).servers
  assert.deepEqual([row?.state, row?.rate, row?.streams, row?.hits], ['lost', 0, 0, 30])
})

test('the time in which the database did not answer is no silence of the servers', async t => {
  let steady = 0
  t.mock.method(performance, 'now', () => steady)
  const start = Date.UTC(2026, 10, 22, 12)
  const time = (seconds: number) => new Date(start + seconds * 1000).toISOString()
  const database = { now: 0, away: false, lastSeen: [0, -5] }
  const board = new Board(async () => {
    if (database.away) throw new Error('away')
    const servers = database.lastSeen.map((seen, index) =>
      sampleBoardServer({ id: index, lastSeenAt: time(seen), silentMs: (database.now - seen) * 1000 }),
    )
    return { counter: 0, totalHits: 0, at: time(database.now), servers, log: [], afterAt: null }
  })
  const read = async (seconds: number) => {
    database.now = seconds
    steady = seconds * 1000
    return board.refresh().then(
      ({ servers }) => servers.map(({ state }) => state).join(),
      () => 'no answer',
    )
  }
  assert.equal(await read(0.5), 'up,up')
  database.away = true
  assert.equal(await read(0.8), 'no answer')
  assert.equal(await read(8), 'no answer')
  database.away = false
  // The second had been silent for almost 6 s before.
  assert.equal(await read(9), 'up,up')
  assert.equal(await read(9.3), 'up,lost')
  database.lastSeen = [9, 9]
  assert.equal(await read(11), 'up,up')
  assert.equal(await read(15.1), 'lost,lost')
})

test('each refresh reads only the rows that are new, and keeps the newest fifty', async () => {
  const { database, board } = fakeDatabase()
  database.counter = 30
  await board.refresh()
  database.counter = 55
  const snapshot = await board.refresh()
  await board.refresh()
  assert.deepEqual(database.readAfter, [0, 30, 55])
  assert.deepEqual(
    snapshot.log.map(each => each.id),
    Array.from({ length: 50 }, (_, index) => 55 - index),
  )
})

test('numbers that went back are followed: the rows of the log before are forgotten', async () => {
  const { database, board } = fakeDatabase()
  database.counter = 60
  await board.refresh()
  const { generation } = board
  database.counter = 20
  const snapshot = await board.refresh()
  assert.deepEqual([snapshot.counter, snapshot.log[0]?.id, snapshot.log.length], [20, 20, 20])
  assert.notEqual(board.generation, generation)
  database.counter = 21
  assert.deepEqual((await board.refresh()).log[0]?.id, 21)
  assert.deepEqual(database.readAfter, [0, 60, 0, 20])
})

test('a log whose newest known row is another by now is read from its end, although it has grown past it', async () => {
  const rows = (seconds: number, counter: number) =>
    Array.from({ length: counter }, (_, at) => ({
      ...row(counter - at),
      at: `2026-11-22T12:00:0${seconds}.000Z`,
    }))
  let log = rows(1, 5)
  const board = new Board(async after => ({
    counter: log.length,
    totalHits: log.length,
    at: '2026-11-22T12:00:09.000Z',
    servers: [],
    log: log.filter(({ id }) => id > after),
    afterAt: log.find(({ id }) => id === after)?.at ?? null,
  }))
  await board.refresh()
  log = rows(2, 7)
  assert.deepEqual((await board.refresh()).log, log)
})

test('concurrent calls cost one reading', async () => {
  const { database, board } = fakeDatabase()
  await Promise.all(Array.from({ length: 20 }, () => board.noOlderThan(1000)))
  await board.noOlderThan(1000)
  assert.equal(database.readAfter.length, 1)
})

test('a reading that fails leaves the last snapshot, and the next one is tried', async () => {
  const { database, board } = fakeDatabase()
  const first = await board.refresh()
  database.away = true
  await assert.rejects(board.refresh(), /away/)
  assert.equal(board.latest, first)
  database.away = false
  await board.refresh()
  assert.notEqual(board.latest, first)
})

const knownServer = (srv_id: string, state: ServerState = 'up') =>
  sampleServerRow({ srv_id, name: `web-${srv_id}`, state })

test('a server that is no longer shown is known as it was last', () => {
  const known = new KnownServers()
  known.note([knownServer('1'), knownServer('2')])
  known.note([knownServer('1'), knownServer('2', 'lost')])
  known.note([knownServer('1')])
  assert.equal(known.find('2')?.state, 'lost')
  assert.equal(known.find('3'), null)
})

test('those not seen for longest are forgotten first', () => {
  const known = new KnownServers()
  for (let number = 0; number < 1000; number++) known.note([knownServer('kept'), knownServer(String(number))])
  assert.equal(known.find('0'), null)
  assert.equal(known.find('1')?.name, 'web-1')
  assert.equal(known.find('kept')?.name, 'web-kept')
})

const since = '2026-11-22T12:00:00.000Z'
const alert: FiringAlert = { name: 'ReplicaLost', summary: '', since }

/** Alerts with a clock and an Alertmanager that the test controls. */
function controlled() {
  const state = { now: 0, requests: 0, away: false, alerts: [alert] }
  const firing = new FiringAlerts(
    async () => {
      state.requests++
      if (state.away) throw new Error('away')
      return structuredClone(state.alerts)
    },
    () => state.now,
  )
  return { state, firing }
}

const answered = () => new Promise(setImmediate)

test('the alerts are requested at most once in five seconds, and only when they are read', async () => {
  const { state, firing } = controlled()
  assert.equal(state.requests, 0)
  for (let reader = 0; reader < 100; reader++) assert.equal(firing.current, null)
  await answered()
  assert.deepEqual(firing.current, [alert])
  assert.equal(state.requests, 1)
  state.now = 5000
  assert.equal(firing.current, firing.current)
  assert.equal(state.requests, 2)
})

test('the same alerts are the same array, so that nothing is sent again', async () => {
  const { state, firing } = controlled()
  assert.equal(firing.current, null)
  await answered()
  const before = firing.current
  state.now = 6000
  assert.equal(firing.current, before)
  await answered()
  assert.equal(firing.current, before)
  state.alerts = []
  state.now = 12_000
  assert.equal(firing.current, before)
  await answered()
  assert.deepEqual(firing.current, [])
})

test('the last alerts stay for a minute while Alertmanager does not answer', async () => {
  const { state, firing } = controlled()
  assert.equal(firing.current, null)
  await answered()
  state.away = true
  state.now = 59_999
  assert.deepEqual(firing.current, [alert])
  await answered()
  state.now = 60_000
  assert.equal(firing.current, null)
})

/** What `readAlertmanager` makes of this answer. */
async function readFrom(body: unknown, status = 200) {
  const paths: (string | undefined)[] = []
  await using server = await startStubServer((request, response) => {
    paths.push(request.url)
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  })
  return { alerts: await readAlertmanager(`${server.url}/prefix`), paths }
}

const listed = (alertname: string, severity: string | undefined, startsAt: string, summary?: string) => ({
  labels: { alertname, ...(severity !== undefined && { severity }), instance: 'web-1' },
  annotations: summary === undefined ? {} : { summary },
  startsAt,
  status: { state: 'active', silencedBy: [], inhibitedBy: [] },
})

test('each name once, since its first, most urgent first, without the watchdog', async () => {
  const { alerts, paths } = await readFrom([
    listed('Watchdog', 'none', since),
    listed('ReplicaLost', 'ticket', '2026-11-22T11:00:00.000Z', 'a replica is lost'),
    listed('Unranked', undefined, '2026-11-22T10:00:00.000Z'),
    listed('DatabaseAway', 'page', '2026-11-22T13:00:00.000+01:00', 'no database'),
    listed('ReplicaLost', 'ticket', '2026-11-22T10:30:00Z', 'a replica is lost'),
  ])
  assert.deepEqual(alerts, [
    { name: 'DatabaseAway', summary: 'no database', since: '2026-11-22T12:00:00.000Z' },
    { name: 'ReplicaLost', summary: 'a replica is lost', since: '2026-11-22T10:30:00.000Z' },
    { name: 'Unranked', summary: '', since: '2026-11-22T10:00:00.000Z' },
  ])
  assert.deepEqual(paths, [
    '/prefix/api/v2/alerts?active=true&silenced=false&inhibited=false&unprocessed=false',
  ])
})

test('of many alerts ten are shown', async () => {
  const many = Array.from({ length: 200 }, (_, index) => listed(`Alert${index}`, 'page', since))
  assert.equal((await readFrom(many)).alerts.length, 10)
})

for (const [problem, body, status] of [
  ['an error', [], 500],
  ['something else', { status: 'success' }, 200],
  ['a time that is none', [listed('DatabaseAway', 'page', 'soon')], 200],
] as const) {
  test(`${problem} from Alertmanager is refused`, () => assert.rejects(readFrom(body, status)))
}
