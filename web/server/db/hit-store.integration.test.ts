import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import mysql from 'mysql2/promise'
import { z } from 'zod'
import { createTestDatabase, type TestDatabase } from '../../../prisma/testing/test-database.ts'
import { startDatabaseProxy } from '../../../tools/lib/database-proxy.ts'
import { eventually } from '../../../tools/lib/testing.ts'
import { openPooledDatabase } from '../../testing/endpoints.ts'
import { sampleHit } from '../../testing/samples.ts'
import { numberOf } from '../errors.ts'
import { CommitFailed, type Count, type Hit, type HitStore, newRequestId } from '../hits/hit.ts'
import { defaultLimits, HitQueue } from '../hits/hit-queue.ts'
import { type DatabaseHitStore, databaseHitStore } from './hit-store.ts'
import {
  batchOf,
  countsFrom,
  highestNumber,
  judgeFailure,
  type LockWait,
  transactionOf,
} from './page-view-numbers.ts'
import { closePools, openPools, type Pools, queryPacket, type Replication, takeConnection } from './pools.ts'
import { registerServer } from './servers.ts'

let database: TestDatabase
let client: mysql.Connection
/** pools and row of each replica */
let replicas: { pools: Pools; id: number; store: DatabaseHitStore }[]

before(async () => {
  database = await createTestDatabase()
  client = await mysql.createConnection(database.url)
})

beforeEach(async () => {
  await closeReplicas()
  replicas = await Promise.all(['127.0.0.1:3001', '127.0.0.1:3002'].map(address => openReplica(address)))
})

after(async () => {
  await closeReplicas()
  await client.end()
  await database.drop()
})

async function openReplica(address: string, url = database.url) {
  const pools = openPools(url)
  const srvId = address.replaceAll(/\D/g, '').padEnd(32, '0')
  const { id } = await registerServer(pools.write, { srvId, address, name: null })
  return { pools, id, store: databaseHitStore(pools.write, { id, srv_id: srvId }) }
}

async function closeReplicas(): Promise<void> {
  for (const replica of replicas ?? []) await closePools(replica.pools)
}

function replica(index: number) {
  const found = replicas[index]
  assert.ok(found)
  return found
}

function hits(n: number): Hit[] {
  return Array.from({ length: n }, () => sampleHit({ clientIp: 'fd00::7' }))
}

const figures = z.tuple([
  z.object({
    counter: z.number(),
    max_id: z.coerce.number(),
    sum_hits: z.coerce.number(),
    row_count: z.number(),
  }),
])

async function readFigures() {
  const [rows] = await client.query(`SELECT (SELECT value FROM global_counter) AS counter,
    (SELECT COALESCE(MAX(id), 0) FROM access_log) AS max_id, (SELECT COALESCE(SUM(hits), 0) FROM server) AS sum_hits,
    (SELECT COUNT(*) FROM access_log) AS row_count`)
  return figures.parse(rows)[0]
}

/** The counter, the highest id, the sum of hits and the rows all agree. @returns that number */
async function countedSoFar(): Promise<number> {
  const { counter, max_id, sum_hits, row_count } = await readFigures()
  assert.deepEqual([max_id, sum_hits, row_count], [counter, counter, counter])
  return counter
}

/** The database executes what it was sent, even if no client waits for the answer. */
async function untilNothingRuns(): Promise<void> {
  const sql = `SELECT id FROM information_schema.processlist
    WHERE db = DATABASE() AND command <> 'Sleep' AND id <> CONNECTION_ID()`
  await eventually(async () => {
    const [rows] = await client.query<mysql.RowDataPacket[]>(sql)
    return rows.length === 0
  })
}

async function assertLogged(hit: Hit, count: Count): Promise<void> {
  const [rows] = await client.query('SELECT id FROM access_log WHERE request_id = ?', [hit.requestId])
  assert.deepEqual(rows, [{ id: count.id }])
}

/** Runs `work` while another session holds the counter's lock. */
async function whileLocked(sql: string[], work: (holder: mysql.Connection) => Promise<void>): Promise<void> {
  const holder = await mysql.createConnection(database.url)
  try {
    await holder.beginTransaction()
    for (const statement of sql) await holder.query(statement)
    await work(holder)
  } finally {
    holder.destroy()
  }
}

test('a batch gets the next numbers, in order, and everything about it is written', async () => {
  const start = await countedSoFar()
  const batch = hits(3)
  const cookieSrvId = 'c'.repeat(32)
  const counts = await replica(0).store.commit(
    batch.map(hit => ({ ...hit, cookieSrvId })),
    1000,
  )
  assert.deepEqual(
    counts.map(count => count.id),
    [start + 1, start + 2, start + 3],
  )
  assert.equal(await countedSoFar(), start + 3)
  const [rows] = await client.query({
    sql: `SELECT client_ip, cookie_srv_id, server_id, request_id, DATE_FORMAT(created_at, '%Y-%m-%dT%T.%f') AS at
      FROM access_log WHERE id > ? ORDER BY id`,
    values: [start],
  })
  const expected = batch.map((hit, index) => ({
    client_ip: 'fd00::7',
    cookie_srv_id: cookieSrvId,
    server_id: replica(0).id,
    request_id: hit.requestId,
    at: counts[index]?.at.replace('Z', '000'),
  }))
  assert.deepEqual(rows, expected)
  const [buckets] = await client.query(
    "SELECT DATE_FORMAT(start, '%Y-%m-%dT%T') AS bucket, hits FROM server_bucket WHERE server_id = ?",
    [replica(0).id],
  )
  const bucket = new Date(Math.floor(Date.parse(counts[0]?.at ?? '') / 5000) * 5000)
    .toISOString()
    .slice(0, 19)
  assert.deepEqual(buckets, [{ bucket, hits: 3 }])
  const [[totals]] = await client.query<mysql.RowDataPacket[]>(
    'SELECT hits, new_hits, returning_hits, moved_hits, commits FROM server WHERE id = ?',
    [replica(0).id],
  )
  assert.deepEqual(totals, { hits: 3, new_hits: 0, returning_hits: 0, moved_hits: 3, commits: 1 })
})

test('two replicas share the numbers: contiguous, unique, each in its own log row', async () => {
  const start = await countedSoFar()
  const queues = replicas.map(({ store }) => new HitQueue(store))
  const all = hits(400)
  const counts = await Promise.all(all.map((hit, index) => queues[index % 2]?.submit(hit)))
  const ids = counts.flatMap(count => count?.id ?? []).toSorted((a, b) => a - b)
  assert.deepEqual(
    ids,
    Array.from({ length: 400 }, (_, index) => start + 1 + index),
  )
  assert.equal(await countedSoFar(), start + 400)
})

test('a request id twice in a batch, in two batches and on two replicas concurrently is one hit', async () => {
  const start = await countedSoFar()
  const queues = replicas.map(({ store }) => new HitQueue(store))
  const [same, other] = hits(2)
  assert.ok(same && other)
  const together = await Promise.all([0, 0, 1, 1].map(index => queues[index]?.submit(same)))
  const [later] = await Promise.all([queues[0]?.submit(same), queues[0]?.submit(other)])
  for (const count of [...together, later]) assert.deepEqual(count, together[0])
  assert.equal(await countedSoFar(), start + 2)
})

test('a commit whose answer is lost is found again, not repeated', async () => {
  const start = await countedSoFar()
  await using proxy = await startDatabaseProxy(database.url)
  const behind = await openReplica('127.0.0.1:3003', proxy.url)
  try {
    proxy.trap('COMMIT', { kind: 'cut-answer', afterBytes: 0 })
    const batch = hits(5)
    const queue = new HitQueue(behind.store)
    const counts = await Promise.all(batch.map(hit => queue.submit(hit)))
    for (const [index, hit] of batch.entries()) await assertLogged(hit, counts[index] ?? { id: 0, at: '' })
    assert.equal(await countedSoFar(), start + 5)
  } finally {
    await closePools(behind.pools)
  }
})

test('a statement that fails in the middle of the packet rolls the batch back and releases the lock', async () => {
  const start = await countedSoFar()
  // The log is written, the request ids are not: the duplicate number represents any failure there.
  const [bad] = hits(1)
  assert.ok(bad)
  await client.query('INSERT INTO recent_request (request_id, id) VALUES (?, 0)', [bad.requestId])
  await assert.rejects(replica(0).store.commit([bad, ...hits(3)], 1000), (error: unknown) => {
    assert.ok(error instanceof CommitFailed)
    assert.equal(error.outcome, 'rolled_back')
    return true
  })
  assert.equal(await countedSoFar(), start)
  const [next] = await replica(1).store.commit(hits(1), 1000)
  assert.equal(next?.id, start + 1)
})

test('a batch that waited too long for the lock is retried', async () => {
  const start = await countedSoFar()
  const failures: unknown[] = []
  await whileLocked(['SELECT value FROM global_counter WHERE id = 1 FOR UPDATE'], async holder => {
    const { store } = replica(0)
    const observed: HitStore = {
      ...store,
      async commit(...args) {
        try {
          return await store.commit(...args)
        } catch (error) {
          failures.push(error)
          await holder.rollback()
          throw error
        }
      },
    }
    const limits = { ...defaultLimits, budgetMs: 10_000 }
    const { id } = await new HitQueue(observed, limits).submit(hits(1)[0] ?? assert.fail())
    assert.equal(id, start + 1)
  })
  assert.equal(failures.length, 1)
  assert.match(String(failures[0]), /Lock wait timeout/)
  assert.equal(await countedSoFar(), start + 1)
})

test('a locked table refuses a batch like a locked row', async () => {
  const start = await countedSoFar()
  await whileLocked(['LOCK TABLES global_counter WRITE'], async holder => {
    await assert.rejects(replica(0).store.commit(hits(1), 5000), { outcome: 'rolled_back' })
    await holder.query('UNLOCK TABLES')
  })
  const [next] = await replica(0).store.commit(hits(1), 1000)
  assert.equal(next?.id, start + 1)
})

test('a table lock during a look-up of request ids is not a refusal', async () => {
  await whileLocked(['LOCK TABLES recent_request WRITE'], async holder => {
    await assert.rejects(replica(0).store.find([newRequestId()], 5000), { kind: 'contention' })
    await holder.query('UNLOCK TABLES')
  })
})

test('after a commit without an answer no other is sent before the database answers again', async () => {
  await using proxy = await startDatabaseProxy(database.url)
  const behind = await openReplica('127.0.0.1:3004', proxy.url)
  try {
    proxy.trap('COMMIT', { kind: 'cut-answer', afterBytes: 0 })
    await assert.rejects(behind.store.commit(hits(1), 1000), { outcome: 'unknown' })
    await untilNothingRuns()
    const start = await countedSoFar()
    let isAsked = false
    proxy.trap('SELECT 1', { kind: 'hold-answer', forMs: 2000 }, () => {
      isAsked = true
    })
    // The first may use up its time while it opens a connection, and send nothing.
    while (!isAsked) await assert.rejects(behind.store.commit(hits(1), 200), { outcome: 'rolled_back' })
    assert.equal(await countedSoFar(), start)
    const [next] = await behind.store.commit(hits(1), 5000)
    assert.equal(next?.id, start + 1)
  } finally {
    await closePools(behind.pools)
  }
})

test('a batch that was the victim of a deadlock is retried', async () => {
  const start = await countedSoFar()
  const { store, id: serverId } = replica(0)
  const failures: string[] = []
  const observed: HitStore = {
    ...store,
    commit: (...args) =>
      store.commit(...args).catch(error => {
        failures.push(String(error))
        throw error
      }),
  }
  // The session that has written more is spared.
  const filler = Array.from({ length: 2000 }, () => `('${newRequestId()}', 0)`)
  const writes = [
    `INSERT INTO recent_request (request_id, id) VALUES ${filler.join()}`,
    `UPDATE server SET errors = 0 WHERE id = ${serverId} AND errors = 0`,
    `SELECT id FROM server WHERE id = ${serverId} FOR UPDATE`,
  ]
  await whileLocked(writes, async holder => {
    const submission = new HitQueue(observed).submit(hits(1)[0] ?? assert.fail())
    await eventually(someoneWaitsForALock, { everyMs: 150 })
    await holder.query('UPDATE global_counter SET value = value WHERE id = 1')
    await holder.rollback()
    assert.equal((await submission).id, start + 1)
  })
  assert.equal(failures.length, 1)
  assert.match(failures[0] ?? '', /Deadlock/)
  assert.equal(await countedSoFar(), start + 1)
})

/** In this database: other tests have others on the same server. The table is a copy that is refreshed only if it was not read for 0.1 s. */
async function someoneWaitsForALock(): Promise<boolean> {
  const [rows] = await client.query(
    `SELECT 1 FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
     WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE() LIMIT 1`,
  )
  return z.array(z.unknown()).parse(rows).length > 0
}

/** A fault of the database: how to cause and repair it, and the name of its error. */
const damages = [
  {
    what: 'a table that is gone',
    code: 'ER_NO_SUCH_TABLE',
    damage: ['RENAME TABLE access_log TO gone'],
    mend: ['RENAME TABLE gone TO access_log'],
  },
  {
    what: 'a column that is missing',
    code: 'ER_BAD_FIELD_ERROR',
    damage: ['ALTER TABLE access_log RENAME COLUMN client_ip TO ip'],
    mend: ['ALTER TABLE access_log RENAME COLUMN ip TO client_ip'],
  },
  {
    what: 'an error that no list foresees',
    code: 'ER_SIGNAL_EXCEPTION',
    damage: [
      "CREATE TRIGGER refuse BEFORE INSERT ON server_bucket FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
    ],
    mend: ['DROP TRIGGER refuse'],
  },
  {
    what: 'a counter that is behind the log',
    code: 'ER_DUP_ENTRY',
    damage: [
      `INSERT INTO access_log SELECT value + 1, UTC_TIMESTAMP(3), '10.0.0.7', '', 0, NULL, '' FROM global_counter`,
    ],
    mend: ["DELETE FROM access_log WHERE srv_id = ''"],
  },
]

for (const { what, code, damage, mend } of damages)
  test(`${what} certainly refuses a batch: nothing is counted, the lock is free, and a probe fails in the same way`, async () => {
    const start = await countedSoFar()
    const { store } = replica(0)
    const isRefusal = { outcome: 'rolled_back', kind: 'refused', code }
    for (const statement of damage) await client.query(statement)
    try {
      await assert.rejects(store.commit(hits(2), 1500), isRefusal)
      await assert.rejects(store.probe(), isRefusal)
      const queue = new HitQueue(store, { ...defaultLimits, budgetMs: 300 })
      await assert.rejects(queue.submit(hits(1)[0] ?? assert.fail()), { code: 'counter_unavailable' })
      await queue.close()
    } finally {
      for (const statement of mend) await client.query(statement)
    }
    await store.probe()
    assert.equal(await countedSoFar(), start)
    const [next] = await replica(1).store.commit(hits(1), 900)
    assert.equal(next?.id, start + 1)
  })

test('without its counter a database counts nothing, whatever the connection inserted last', async () => {
  await using own = await openPooledDatabase()
  const { pools } = own
  const srvId = 'c'.repeat(32)
  const { id } = await registerServer(pools.write, { srvId, address: '127.0.0.1:1', name: null })
  const store = databaseHitStore(pools.write, { id, srv_id: srvId })
  await pools.write.query('DELETE FROM global_counter')
  const isRefusal = { outcome: 'rolled_back', kind: 'refused' }
  for (const n of [1, 3]) await assert.rejects(store.commit(hits(n), 1500), isRefusal)
  await assert.rejects(store.probe(), isRefusal)
  const [rows] = await pools.read.query('SELECT id FROM access_log')
  assert.deepEqual(rows, [])
})

test('a replica that falls silent after its batch was refused blocks the counter for seconds, not for hours', async () => {
  const start = await countedSoFar()
  const { pools, id } = replica(0)
  const [known, next] = hits(2)
  assert.ok(known && next)
  await client.query('INSERT INTO recent_request (request_id, id) VALUES (?, 0)', [known.requestId])
  const silent = await takeConnection(pools.write, 1000)
  // It fails on the request id after it took the counter's lock, and no ROLLBACK follows: as from a frozen or disconnected replica.
  const { sql } = transactionOf(batchOf([known], { id, srv_id: '1'.repeat(32) }, 'COMMIT'), 'session', 'none')
  await assert.rejects(silent.query(sql), { code: 'ER_DUP_ENTRY' })
  await assert.rejects(replica(1).store.probe(), { kind: 'contention' })
  const counts = await eventually(() =>
    replica(1)
      .store.commit([next], 900)
      .catch(() => null),
  )
  assert.equal(counts[0]?.id, start + 1)
  assert.equal(await countedSoFar(), start + 1)
})

test('no connection of a disconnected replica is left after a minute', async () => {
  for (const pool of Object.values(replica(0).pools)) {
    const [[session]] = await pool.query<mysql.RowDataPacket[]>('SELECT @@wait_timeout AS seconds')
    assert.ok(session?.seconds <= 60)
  }
})

test('the replica closes idle connections before the database would', async () => {
  const { pools } = replica(0)
  const held = await Promise.all([1, 2, 3].map(() => takeConnection(pools.write, 1000)))
  const ids = held.map(connection => connection.threadId)
  for (const connection of held) connection.release()
  const [[session]] = await pools.write.query<mysql.RowDataPacket[]>('SELECT @@wait_timeout AS seconds')
  const since = performance.now()
  await eventually(async () => {
    const [rows] = await client.query('SELECT id FROM information_schema.processlist WHERE id IN (?)', [ids])
    return z.array(z.unknown()).parse(rows).length === 0
  })
  assert.ok((performance.now() - since) / 1000 < session?.seconds)
})

test('a probe takes no number and leaves nothing behind', async () => {
  const start = await countedSoFar()
  for (const { store } of replicas) await store.probe()
  assert.equal(await countedSoFar(), start)
  const [[buckets]] = await client.query<mysql.RowDataPacket[]>(
    'SELECT COUNT(*) AS n FROM server_bucket WHERE server_id = ?',
    [replica(0).id],
  )
  assert.equal(buckets?.n, 0)
  const [next] = await replica(0).store.commit(hits(1), 1000)
  assert.equal(next?.id, start + 1)
})

test('a probe does not wait for the lock: a reachable database answers it immediately', async () => {
  await whileLocked(['SELECT value FROM global_counter WHERE id = 1 FOR UPDATE'], async () => {
    await assert.rejects(replica(0).store.probe(), { outcome: 'rolled_back', kind: 'contention' })
  })
})

test('a probe that waits gets the lock once it is free, however it was held', async () => {
  await whileLocked(['SELECT value FROM global_counter WHERE id = 1 FOR UPDATE'], async holder => {
    const probe = replica(0).store.probe(true)
    await eventually(someoneWaitsForALock, { everyMs: 150 })
    await holder.rollback()
    await probe
  })
})

test('a refused session is not used again: privileges that are granted apply to a new one', async () => {
  const { store, pools } = replica(0)
  const sessions = new Set<number>()
  pools.write.on('acquire', ({ threadId }) => sessions.add(threadId))
  await client.query('RENAME TABLE access_log TO gone')
  await assert.rejects(store.probe())
  await client.query('RENAME TABLE gone TO access_log')
  await store.probe()
  assert.equal(sessions.size, 2)
})

test('a database that cannot be reached is away, and nothing is counted', async () => {
  const proxy = await startDatabaseProxy(database.url)
  const behind = await openReplica('127.0.0.1:3005', proxy.url)
  try {
    await proxy[Symbol.asyncDispose]()
    const isAway = { outcome: 'rolled_back', kind: 'away', code: 'ECONNREFUSED' }
    // Open connections may be noticed as closed only now.
    await eventually(() => behind.store.probe().then(null, error => error.code === isAway.code))
    await assert.rejects(behind.store.commit(hits(1), 1000), isAway)
  } finally {
    await closePools(behind.pools)
  }
})

test('a number that JavaScript cannot represent exactly is never given: nothing is counted', async () => {
  await using own = await openPooledDatabase()
  const { pools } = own
  const { id } = await registerServer(pools.write, {
    srvId: 'b'.repeat(32),
    address: '127.0.0.1:1',
    name: null,
  })
  const store = databaseHitStore(pools.write, { id, srv_id: 'b'.repeat(32) })
  await pools.write.query('UPDATE global_counter SET value = ?', [highestNumber - 2])
  const isRefusal = { outcome: 'rolled_back', kind: 'refused', code: 'ER_DATA_OUT_OF_RANGE' }
  await assert.rejects(store.commit(hits(3), 1000), isRefusal)
  const counts = await store.commit(hits(2), 1000)
  assert.deepEqual(
    counts.map(count => count.id),
    [highestNumber - 1, highestNumber],
  )
  await assert.rejects(store.commit(hits(1), 1000), isRefusal)
  await assert.rejects(store.probe(), isRefusal)
  const [rows] = await pools.read.query('SELECT CAST(value AS CHAR) AS value FROM global_counter')
  assert.deepEqual(rows, [{ value: String(highestNumber) }])
})

test('nothing but hex and addresses is ever written into a packet', async () => {
  const [hit] = hits(1)
  assert.ok(hit)
  for (const change of [
    { clientIp: "'" },
    { requestId: 'a; DROP TABLE access_log' },
    { cookieSrvId: 'x' },
    { clientIp: '' },
  ])
    await assert.rejects(replica(0).store.commit([{ ...hit, ...change }], 1000), TypeError)
})

/** Only it takes the statement for Galera. */
async function isMariaDb(): Promise<boolean> {
  const [[row]] = await client.query<mysql.RowDataPacket[]>("SELECT VERSION() LIKE '%MariaDB%' AS isMariaDb")
  return row?.isMariaDb === 1
}

/** Sends a batch as it is sent to a server that replicates in that way. @throws the verdict about the failure */
async function commitAs(
  replication: Replication,
  batch: Hit[],
  wait: LockWait = 'session',
): Promise<Count[]> {
  const { pools, id } = replica(0)
  const server = { id, srv_id: '1270013001'.padEnd(32, '0') }
  const { sql, steps } = transactionOf(batchOf(batch, server, 'COMMIT'), wait, replication)
  const connection = await takeConnection(pools.write, 1000)
  let answered = 0
  try {
    return countsFrom(await queryPacket(connection, { sql, timeout: 5000 }, () => answered++), batch.length)
  } catch (error) {
    throw { ...judgeFailure(error, steps[answered] ?? 'end'), errno: numberOf(error) }
  } finally {
    // Without a ROLLBACK: the statement for Galera must have ended its transaction.
    connection.release()
  }
}

test('a counter that is locked for longer than a batch may wait fails it, and nothing of it is counted', async () => {
  const start = await countedSoFar()
  const statementTimeout = await statementTimeoutNumber()
  const noWait = (await isMariaDb()) ? 1205 : 3572
  await whileLocked(['SELECT value FROM global_counter WHERE id = 1 FOR UPDATE'], async holder => {
    for (const [wait, errno] of [
      [300, statementTimeout],
      [20, statementTimeout],
      [0, noWait],
    ] as const) {
      const failed = { outcome: 'rolled_back', kind: 'contention', errno }
      await assert.rejects(commitAs('none', hits(1), wait), failed)
    }
    await holder.rollback()
  })
  const [next] = await replica(0).store.commit(hits(1), 900)
  assert.equal(next?.id, start + 1)
})

const statementTimeoutNumber = async () => ((await isMariaDb()) ? 1969 : 3024)

test('a batch with a limited wait gets its turn, and is counted', async () => {
  const start = await countedSoFar()
  const statementTimeout = await statementTimeoutNumber()
  // On a busy machine its wait can end before it was seen.
  await eventually(async () => {
    const outcome: { counts?: Count[]; failure?: { errno: number } } = {}
    await whileLocked(['SELECT value FROM global_counter WHERE id = 1 FOR UPDATE'], async holder => {
      const late = commitAs('none', hits(1), 900).then(
        counts => Object.assign(outcome, { counts }),
        failure => Object.assign(outcome, { failure }),
      )
      await eventually(async () => outcome.failure ?? (await someoneWaitsForALock()), { everyMs: 150 })
      await holder.rollback()
      await late
    })
    if (outcome.failure) {
      assert.equal(outcome.failure.errno, statementTimeout)
      return false
    }
    assert.equal(outcome.counts?.[0]?.id, start + 1)
    return true
  })
})

test('the statement for Galera counts as the packet does, and says just as exactly what failed', async () => {
  if (!(await isMariaDb())) return
  for (const wait of ['session', 300, 0] as const) {
    const start = await countedSoFar()
    const batch = hits(3)
    const counts = await commitAs('galera', batch, wait)
    for (const [index, hit] of batch.entries()) await assertLogged(hit, counts[index] ?? { id: 0, at: '' })
    assert.equal(counts.at(-1)?.id, start + 3)

    const repeated = [...hits(1), ...batch.slice(0, 1)]
    await assert.rejects(commitAs('galera', repeated, wait), { outcome: 'rolled_back', kind: 'repeat' })
    assert.equal(await countedSoFar(), start + 3)

    await client.query(
      `INSERT INTO access_log SELECT value + 1, UTC_TIMESTAMP(3), '10.0.0.7', '', 0, NULL, '' FROM global_counter`,
    )
    await assert.rejects(commitAs('galera', hits(1), wait), { outcome: 'rolled_back', kind: 'refused' })
    await client.query("DELETE FROM access_log WHERE srv_id = ''")

    await whileLocked(['SELECT value FROM global_counter WHERE id = 1 FOR UPDATE'], async holder => {
      await assert.rejects(commitAs('galera', hits(1), wait), { outcome: 'rolled_back', kind: 'contention' })
      await holder.rollback()
    })
    // No lock and no transaction is left.
    const [next] = await replica(1).store.commit(hits(1), 900)
    assert.equal(next?.id, start + 4)
    assert.equal(await countedSoFar(), start + 4)
  }
})

test('after a failover to a server whose clock is behind, no time goes back; a clock that is far behind is believed', async () => {
  for (const replication of ['galera', 'group'] as const) {
    if (replication === 'galera' && !(await isMariaDb())) continue
    const lastOf = async (seconds: number) => {
      await replica(1).store.commit(hits(1), 1000)
      await client.query(
        `UPDATE access_log SET created_at = UTC_TIMESTAMP(3) + INTERVAL ? SECOND
         WHERE id = (SELECT value FROM global_counter)`,
        [seconds],
      )
      const [[row]] = await client.query<mysql.RowDataPacket[]>(
        'SELECT CAST(created_at AS CHAR) AS at FROM access_log ORDER BY id DESC LIMIT 1',
      )
      return `${String(row?.at).replace(' ', 'T')}Z`
    }
    const ahead = await lastOf(8)
    assert.deepEqual(
      (await commitAs(replication, hits(2))).map(({ at }) => at),
      [ahead, ahead],
    )
    const behind = await lastOf(-8)
    assert.ok(((await commitAs(replication, hits(1)))[0]?.at ?? '') > behind)
    const farAhead = await lastOf(86_400)
    assert.ok(((await commitAs(replication, hits(1)))[0]?.at ?? 'z') < farAhead)
  }
})
