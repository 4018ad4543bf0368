import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow } from '../../shared/api.ts'
import { sampleServerRow } from '../../testing/samples.ts'
import { OwnEnd, OwnRow } from './own-row.ts'

function keep({ isNamed = false } = {}) {
  const identity = { id: 7, name: 'web-1', address: '10.0.0.1:3000', srv_id: 'a'.repeat(32) }
  const database = {
    rows: new Set([7]),
    next: 8,
    servers: [] as ServerRow[],
    beats: [] as number[],
    /** recorded silences, in ms */
    silences: [] as number[],
    away: false,
    /** the answer to a heartbeat waits for this */
    answers: Promise.resolve(),
  }
  const logged: string[] = []
  const time = { now: 0 }
  const row = new OwnRow({
    identity,
    isNamed,
    now: () => time.now,
    log: text => logged.push(text),
    queries: {
      async beat({ id }) {
        if (database.away) throw new Error('away')
        database.beats.push(id)
        const found = database.rows.has(id)
        await database.answers
        return found
      },
      async wasSilent(_identity, ms) {
        if (database.away) throw new Error('away')
        database.silences.push(ms)
      },
      async register() {
        database.rows.add(database.next)
        return { id: database.next++ }
      },
      readServers: async () => database.servers,
      rename: async () => 'web-9',
    },
  })
  return { identity, database, logged, row, time }
}

test('a replica whose row is gone registers a new one, logs it, and sends heartbeats there', async () => {
  const { identity, database, logged, row } = keep()
  await row.beat()
  database.rows.clear()
  await row.beat()
  await row.beat()
  assert.deepEqual(database.beats, [7, 7, 8, 8])
  assert.equal(identity.id, 8)
  assert.match(logged.join(), /^web-1 has no row 7 in the database any more.* row 8$/)
})

test('several heartbeats that find the row gone register once', async () => {
  const { database, row } = keep()
  database.rows.clear()
  await Promise.all([row.beat(), row.beat(), row.beat()])
  assert.deepEqual([...database.rows], [8])
})

test('a heartbeat that learns late that the old row is gone does not register again', async () => {
  const { identity, database, logged, row } = keep()
  const { promise, resolve } = Promise.withResolvers<void>()
  database.answers = promise
  database.rows.clear()
  const late = row.beat()
  database.answers = Promise.resolve()
  await row.beat()
  resolve()
  await late
  assert.deepEqual([...database.rows], [8])
  assert.equal(identity.id, 8)
  assert.equal(logged.length, 1)
})

test('the later of two at one address takes another name, and logs the conflict once', async () => {
  const { identity, database, logged, row } = keep()
  database.servers = [
    sampleServerRow(identity),
    sampleServerRow({ id: 3, name: 'web-1', srv_id: identity.srv_id }),
  ]
  await row.beat()
  await row.beat()
  assert.equal(identity.name, 'web-9')
  assert.equal(logged.length, 1)
  assert.match(logged[0] ?? '', /another replica runs at 10.0.0.1:3000 .*SERVER_ADDRESS/)
})

test('after a restore, a reading from before it does not make a replica a conflict with itself', async () => {
  for (const next of [3, 8]) {
    const { identity, database, logged, row } = keep()
    database.servers = [
      sampleServerRow(identity),
      sampleServerRow({ id: 3, name: 'web-3', srv_id: 'b'.repeat(32) }),
    ]
    database.next = next
    database.rows.clear()
    await row.beat()
    assert.deepEqual([identity.id, identity.name], [next, 'web-1'])
    assert.match(logged.join(), /^web-1 has no row 7 [^/]*$/)
  }
})

test('the earlier keeps its name, and so does one with a configured name', async () => {
  for (const [isNamed, id] of [
    [false, 9],
    [true, 3],
  ] as const) {
    const { identity, database, logged, row } = keep({ isNamed })
    database.servers = [
      sampleServerRow(identity),
      sampleServerRow({ id, name: 'web-1', srv_id: identity.srv_id }),
    ]
    await row.beat()
    assert.equal(identity.name, 'web-1')
    assert.equal(logged.length, 1)
  }
})

test('the later of two with one name at two addresses takes another name, and no conflict is logged', async () => {
  for (const [id, name] of [
    [3, 'web-9'],
    [9, 'web-1'],
  ] as const) {
    const { identity, database, logged, row } = keep()
    database.servers = [
      sampleServerRow(identity),
      sampleServerRow({ id, name: 'web-1', srv_id: 'b'.repeat(32) }),
    ]
    await row.beat()
    assert.equal(identity.name, name)
    assert.deepEqual(logged, [])
  }
})

test('one that has stopped, is lost, or has another address and name is no conflict', async () => {
  const { identity, database, logged, row } = keep()
  const { srv_id } = identity
  database.servers = [
    sampleServerRow({ id: 3, name: 'web-1', srv_id, state: 'stopped' }),
    sampleServerRow({ id: 4, name: 'web-1', srv_id, state: 'lost' }),
    sampleServerRow({ id: 5, name: 'web-2', srv_id: 'b'.repeat(32) }),
  ]
  await row.beat()
  assert.equal(identity.name, 'web-1')
  assert.deepEqual(logged, [])
})

test('a process that was frozen for longer than a server may be silent records it once, with its next heartbeat', async () => {
  const { database, row, time } = keep()
  await row.beat()
  time.now = 5900
  await row.beat()
  assert.deepEqual(database.silences, [])
  time.now += 10_000
  await row.beat()
  time.now += 2000
  await row.beat()
  assert.deepEqual(database.silences, [10_000])
})

test('hits that are counted are a heartbeat, and those before the first heartbeat after a freeze do not hide it', async () => {
  const { database, row, time } = keep()
  for (time.now = 0; time.now < 9000; time.now += 3000) row.noteHeartbeat()
  await row.beat()
  assert.deepEqual(database.silences, [])
  time.now += 7000
  row.noteHeartbeat()
  time.now += 1500
  row.noteHeartbeat()
  await row.beat()
  assert.deepEqual(database.silences, [8500])
})

test('a database that does not answer is no silence of the server, and a silence waits for it', async () => {
  const { database, row, time } = keep()
  await row.beat()
  database.away = true
  for (let tries = 0; tries < 5; tries++) {
    time.now += 3000
    await assert.rejects(row.beat())
  }
  database.away = false
  await row.beat()
  assert.deepEqual(database.silences, [])
  time.now += 8000
  database.away = true
  await assert.rejects(row.beat())
  database.away = false
  time.now += 2000
  await row.beat()
  assert.deepEqual(database.silences, [10_000])
})

function ownEnd(taken = true) {
  const signals: string[] = []
  const end = new OwnEnd({ take: async () => taken, signal: each => signals.push(each), log: () => {} })
  return { end, signals }
}

test('a restart is SIGTERM, a kill SIGKILL, once however often the wish is read', async () => {
  for (const [wish, signal] of [
    ['restart', 'SIGTERM'],
    ['kill', 'SIGKILL'],
  ] as const) {
    const { end, signals } = ownEnd()
    await end.obey(wish)
    await end.obey(wish)
    assert.deepEqual(signals, [signal])
  }
})

test('a wish that was withdrawn does nothing', async () => {
  const { end, signals } = ownEnd(false)
  await end.obey('kill')
  assert.deepEqual(signals, [])
})

test('the answer that this replica is sending leaves first, and one that never leaves is not waited for', async () => {
  const { end, signals } = ownEnd()
  const answer = Promise.withResolvers<void>()
  end.holdFor(answer.promise)
  const obeyed = end.obey('kill')
  await new Promise(setImmediate)
  assert.deepEqual(signals, [])
  answer.resolve()
  await obeyed
  assert.deepEqual(signals, ['SIGKILL'])

  const stuck = ownEnd()
  stuck.end.holdFor(new Promise(() => {}))
  const alive = setInterval(() => {}, 1000)
  await stuck.end.obey('kill')
  clearInterval(alive)
  assert.deepEqual(stuck.signals, ['SIGKILL'])
})
