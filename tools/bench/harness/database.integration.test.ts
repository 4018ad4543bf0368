import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../../prisma/connect.ts'
import { createTestDatabase } from '../../../prisma/testing/test-database.ts'
import { databaseHitStore } from '../../../web/server/db/hit-store.ts'
import { openWritePool } from '../../../web/server/db/pools.ts'
import { registerServer } from '../../../web/server/db/servers.ts'
import { sampleHit } from '../../../web/testing/samples.ts'
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

test('only queries of connections that only read are counted', async () => {
  await using database = await createTestDatabase()
  const [reader, writer, upkeep] = await Promise.all([1, 2, 3].map(() => connect(database.url, 5000)))
  const count = await countReads(database.url)
  for (let time = 0; time < 3; time++) {
    await reader?.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
    await reader?.query('SELECT value FROM global_counter')
    await reader?.query('COMMIT')
    await writer?.query('START TRANSACTION; SELECT value FROM global_counter; COMMIT')
    await upkeep?.query("SELECT GET_LOCK('a lock', 0)")
    await upkeep?.query('SELECT value FROM global_counter')
  }
  assert.equal(await count(), 3)
  await Promise.all([reader, writer, upkeep].map(connection => connection?.end()))
})
