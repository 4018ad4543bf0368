import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { Pool } from 'mysql2/promise'
import { eventually } from '../../../tools/lib/testing.ts'
import { closedGate, openDatabase, serve, watched } from '../../testing/endpoints.ts'
import { addInstance, addManyHits, srvIdOf } from '../../testing/log-rows.ts'
import { auditEndpoint } from './audit.ts'

let database: Awaited<ReturnType<typeof openDatabase>>
let audit: Awaited<ReturnType<typeof serve>>

before(async () => {
  database = await openDatabase()
  audit = await serve(auditEndpoint({ read: database.read }))
})

after(async () => {
  await audit?.close()
  await database?.close()
})

beforeEach(async () => {
  await Promise.all(['access_log', 'server'].map(table => database.fill.query(`TRUNCATE ${table}`)))
  await addInstance(database.fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1', hits: 60 })
  await addInstance(database.fill, { id: 2, srvId: srvIdOf('b'), name: 'web-2', hits: 40 })
  await addManyHits(database.fill, 1, 100)
  await database.fill.query('UPDATE global_counter SET value = 100')
})

test('a sound log is consistent', async () => {
  assert.deepEqual(await audit.get(), {
    status: 200,
    body: { counter: 100, max_id: 100, rows: 100, purged: 0, sum_hits: 100, consistent: true },
  })
})

test('a fresh database is consistent', async () => {
  await Promise.all(['access_log', 'server'].map(table => database.fill.query(`TRUNCATE ${table}`)))
  await database.fill.query('UPDATE global_counter SET value = 0')
  assert.deepEqual((await audit.get()).body, {
    counter: 0,
    max_id: 0,
    rows: 0,
    purged: 0,
    sum_hits: 0,
    consistent: true,
  })
})

test('the oldest rows removed are purged, one in the middle is missing', async () => {
  await database.fill.query('DELETE FROM access_log WHERE id <= 30')
  assert.deepEqual((await audit.get()).body, {
    counter: 100,
    max_id: 100,
    rows: 70,
    purged: 30,
    sum_hits: 100,
    consistent: true,
  })
  await database.fill.query('DELETE FROM access_log WHERE id = 50')
  assert.equal((await audit.get()).body.consistent, false)
})

test('a wrong sum shows', async () => {
  await database.fill.query('UPDATE server SET hits = hits + 1 WHERE id = 2')
  const { body } = await audit.get()
  assert.deepEqual([body.sum_hits, body.consistent], [101, false])
})

test('two concurrent audits share one read, the next reads again', async () => {
  const gate = closedGate()
  let reads = 0
  const shared = await serve(
    auditEndpoint({
      read: watched(database.read, () => {
        reads += 1
        return gate.pass()
      }),
    }),
  )
  try {
    const both = [shared.get(), shared.get()]
    await eventually(() => shared.requests() === 2)
    gate.open()
    const [one, other] = await Promise.all(both)
    assert.ok(one?.body.consistent)
    assert.deepEqual(one, other)
    assert.equal(reads, 1)
    await shared.get()
    assert.equal(reads, 2)
  } finally {
    await shared.close()
  }
})

test('while hits are committed, every audit is of one moment', async () => {
  let stopped = false
  const writing = Promise.all([1, 2].map(serverId => commitHits(database.fill, serverId, () => stopped)))
  const seen = new Set<number>()
  try {
    await eventually(async () => {
      const { body } = await audit.get()
      assert.ok(body.consistent, JSON.stringify(body))
      return seen.add(body.counter).size > 20
    })
  } finally {
    stopped = true
    await writing
  }
})

async function commitHits(fill: Pool, serverId: number, isOver: () => boolean): Promise<void> {
  const connection = await fill.getConnection()
  while (!isOver()) {
    await connection.beginTransaction()
    await connection.query('UPDATE global_counter SET value = LAST_INSERT_ID(value + 1)')
    await connection.query(
      `INSERT INTO access_log (id, created_at, client_ip, srv_id, server_id, request_id)
       VALUES (LAST_INSERT_ID(), UTC_TIMESTAMP(3), '10.0.0.7', ?, ?, LPAD(HEX(LAST_INSERT_ID()), 32, '0'))`,
      [srvIdOf('a'), serverId],
    )
    await connection.query('UPDATE server SET hits = hits + 1 WHERE id = ?', [serverId])
    await connection.commit()
  }
  connection.release()
}

test('a failed audit answers all waiting requests, and keeps no connection', async () => {
  await database.fill.query('RENAME TABLE global_counter TO set_aside')
  try {
    // More than the pool has connections.
    for (let round = 0; round < 6; round += 1) {
      const [one, other] = await Promise.all([audit.get(), audit.get()])
      assert.deepEqual([one.status, other.status], [503, 503])
    }
  } finally {
    await database.fill.query('RENAME TABLE set_aside TO global_counter')
  }
  assert.ok((await audit.get()).body.consistent)
})

test('an audit takes no parameters', async () => {
  assert.equal((await audit.get('?deep=1')).status, 400)
})
