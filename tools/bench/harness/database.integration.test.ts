import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestDatabase } from '../../../prisma/testing/test-database.ts'
import { readAudit, writeNextCheckpoint } from '../../../web/server/db/audit.ts'
import { databaseHitStore } from '../../../web/server/db/hit-store.ts'
import { closePools, openPools, openWritePool } from '../../../web/server/db/pools.ts'
import { ifAlone, query } from '../../../web/server/db/query.ts'
import { writeHeartbeat } from '../../../web/server/db/server-state.ts'
import { registerServer } from '../../../web/server/db/servers.ts'
import { sampleHealth, sampleHit } from '../../../web/testing/samples.ts'
import { countIn, countReads, makeSchema, queryDatabase } from './database.ts'

const srvId = '0123456789abcdef0123456789abcdef'

async function countHits(databaseUrl: string, count: number): Promise<void> {
  const pool = openWritePool(databaseUrl)
  const { id } = await registerServer(pool, { srvId, address: '127.0.0.1:1', name: null })
  const hit = () => sampleHit()
  await databaseHitStore(pool, { id, srv_id: srvId }).commit(Array.from({ length: count }, hit), 5000)
  await pool.end()
}

test('the board’s counter agrees with its log, from any number on', async () => {
  await using database = await createTestDatabase()
  await countHits(database.url, 10)
  const count = countIn(database.url, 'board')
  assert.equal(await count.read(), 10)
  assert.deepEqual(await count.check(0), { counter: 10, consistent: true })
  assert.deepEqual(await count.check(7), { counter: 10, consistent: true })
})

for (const [damage, statement] of [
  ['a row that was lost', 'DELETE FROM access_log WHERE id = 8'],
  ['a server that counts one too many', 'UPDATE server SET hits = hits + 1'],
  ['a counter that is behind', 'UPDATE global_counter SET value = value - 1'],
] as const) {
  test(`${damage} is found`, async () => {
    await using database = await createTestDatabase()
    await countHits(database.url, 10)
    await queryDatabase(database.url, statement)
    assert.equal((await countIn(database.url, 'board').check(7)).consistent, false)
  })
}

test('the peers’ tables start at 0, and existing ones are replaced', async () => {
  await using database = await createTestDatabase()
  const name = new URL(database.url).pathname.slice(1)
  for (let time = 1; time <= 2; time++) {
    const url = await makeSchema(database.url, name, 'peers')
    assert.deepEqual(await countIn(url, 'peers').check(0), { counter: 0, consistent: true })
    await queryDatabase(url, 'UPDATE global_counter SET value = 1')
  }
})

/** A server's pools on a new database, and a count of its reads while `work` runs */
async function openCountedServer() {
  const database = await createTestDatabase()
  const pools = openPools(database.url)
  const { id } = await registerServer(pools.write, { srvId, address: '127.0.0.1:1', name: null })
  const server = { id, srv_id: srvId }
  const heartbeat = () => writeHeartbeat(pools.write, server, sampleHealth(), 5000)
  const read = () => query(pools.read, 'SELECT value FROM global_counter')
  return {
    pools,
    server,
    heartbeat,
    read,
    async readsDuring(work: () => Promise<unknown>) {
      const count = await countReads(database.url)
      await work()
      return count()
    },
    async [Symbol.asyncDispose]() {
      await closePools(pools)
      await database.drop()
    },
  }
}

test('a server’s reads are counted, on connections that were open, that open and that close; those of hits and upkeep are not', async () => {
  await using counted = await openCountedServer()
  const { pools, server, heartbeat, read, readsDuring } = counted
  const hits = databaseHitStore(pools.write, server)
  await read()
  const reads = await readsDuring(async () => {
    for (let time = 0; time < 3; time++) {
      await Promise.all([read(), read()])
      await heartbeat()
      await hits.commit([sampleHit()], 5000)
      await ifAlone(pools.upkeep, 'recount', writeNextCheckpoint)
    }
    await closePools(pools)
  })
  assert.equal(reads, 6)
})

test('a connection on which a server audits still counts', async () => {
  await using counted = await openCountedServer()
  const { pools, heartbeat, read, readsDuring } = counted
  const audit = async () => {
    await heartbeat()
    await readAudit(pools.read)
  }
  const ofAudit = await readsDuring(audit)
  assert.equal(await readsDuring(() => audit().then(read)), ofAudit + 1)
})

test('a count that saw no read, or no write, fails', async () => {
  await using counted = await openCountedServer()
  const { heartbeat, read, readsDuring } = counted
  await assert.rejects(readsDuring(heartbeat), /0 reads and 1 writes of this database/)
  await assert.rejects(readsDuring(read), /1 reads and 0 writes of this database/)
})
