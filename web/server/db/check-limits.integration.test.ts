import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestDatabase, type TestDatabase } from '../../../prisma/testing/test-database.ts'
import { srvIdOf } from '../srv-id.ts'
import { checkLimits, connectionWarning } from './check-limits.ts'
import { highestNumber } from './commit-hits.ts'
import { closePools, connectionsPerReplica, openPools, type Pools } from './pools.ts'
import { registerServer } from './register-server.ts'

let database: TestDatabase
let pools: Pools

before(async () => {
  database = await createTestDatabase()
  pools = openPools(database.url)
})

after(async () => {
  await closePools(pools)
  await database.drop()
})

const register = async (replicas: number) => {
  for (let replica = 0; replica < replicas; replica++) {
    const address = `10.0.0.${replica}:3000`
    await registerServer(pools.write, { srvId: srvIdOf(address), address, name: null })
  }
}

test('a warning says what is needed, from the first replica that does not fit', () => {
  const connections = 2 * connectionsPerReplica + 10
  assert.equal(connectionWarning({ connections, replicas: 2 }), null)
  assert.match(
    connectionWarning({ connections, replicas: 3 }) ?? '',
    /takes 28 connections, and 3 replicas .* need 37:/,
  )
})

test('it counts the living replicas against what the database takes', async () => {
  await register(3)
  assert.equal(await checkLimits(pools.read), null)
  await register(60)
  assert.match(
    (await checkLimits(pools.read)) ?? '',
    /^The database takes \d+ connections, and 60 replicas with up to 9/,
  )
  await pools.write.query('UPDATE server SET last_seen_at = last_seen_at - INTERVAL 7 SECOND')
  assert.equal(await checkLimits(pools.read), null, 'those that are lost hold no connection')
})

test('a counter that is too high to be shown is refused in a sentence', async () => {
  await pools.write.query('UPDATE global_counter SET value = ?', [highestNumber])
  assert.equal(await checkLimits(pools.read), null)
  await pools.write.query('UPDATE global_counter SET value = value + 1')
  await assert.rejects(
    checkLimits(pools.read),
    /^DatabaseTrouble: the database: its counter stands at 9007199254740992/,
  )
})
