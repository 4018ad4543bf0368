import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import mysql from 'mysql2/promise'
import { migrate } from '../../../prisma/migrate.ts'
import { readAudit } from '../../../web/server/db/audit.ts'
import { readBoard } from '../../../web/server/db/board.ts'
import { readTime, takeEndWish, withControlLock, writeWish } from '../../../web/server/db/control.ts'
import { databaseHitStore } from '../../../web/server/db/hit-store.ts'
import { closePools, connectionsPerReplica, openPools } from '../../../web/server/db/pools.ts'
import { ifAlone } from '../../../web/server/db/query.ts'
import { pruneRecentRequests, writeBelievedTime } from '../../../web/server/db/retention.ts'
import { checkLimits, endServer, registerServer } from '../../../web/server/db/servers.ts'
import { countLog, retainLog } from '../../../web/server/retention/retention.ts'
import { sampleHit } from '../../../web/testing/samples.ts'
import { replicaAccount } from '../../lib/database-accounts.ts'
import { statementsRefusedToReplicas, temporaryFolder } from '../../lib/testing.ts'
import { startDatabase } from './start.ts'

async function startIn(dataDir: string) {
  const database = await startDatabase({ dataDir, size: 'small' })
  return { ...database, [Symbol.asyncDispose]: () => database.stop() }
}

/** MariaDB looks at which user is at the other end of the socket, and takes no password. */
const rootAt = (socketPath: string) => ({
  socketPath,
  user: 'root',
  authPlugins: { unix_socket: () => async () => Buffer.alloc(0) },
})

async function query(connection: mysql.ConnectionOptions, sql: string): Promise<unknown> {
  const opened = await mysql.createConnection(connection)
  try {
    return (await opened.query(sql))[0]
  } finally {
    await opened.end()
  }
}

test("a replica's account can do all that a replica does", async () => {
  await using folder = await temporaryFolder()
  await using database = await startIn(folder.path)
  await migrate(database.url)
  const pools = openPools(database.replicaUrl)
  try {
    const srvId = 'a'.repeat(32)
    const address = '127.0.0.1:3001'
    const { id } = await registerServer(pools.write, { srvId, address, name: null })
    const hit = sampleHit()
    await databaseHitStore(pools.write, { id, srv_id: srvId }).commit([hit], 1000)
    for (const command of ['drain', 'restart'] as const)
      await withControlLock(pools.write, async connection => {
        const record = { at: await readTime(connection), serverId: id, command }
        assert.equal(await writeWish(connection, record, '10.0.0.7'), true)
      })
    assert.equal(await takeEndWish(pools.write, { id, srv_id: srvId }, 'restart', 1000), true)
    const { signal } = new AbortController()
    await ifAlone(pools.upkeep, 'retention', async connection => {
      await writeBelievedTime(connection, new Date())
      await retainLog(connection, { days: 30, rows: 1 }, new Date(), signal)
    })
    await ifAlone(pools.upkeep, 'recount', connection => countLog(connection, signal))
    await pruneRecentRequests(pools.write, 1, 10)
    assert.equal((await readBoard(pools.read, 1000)).servers.length, 1)
    assert.equal((await readAudit(pools.read)).counter, 1)
    await endServer(pools.write, id)
  } finally {
    await closePools(pools)
  }
  // What retention and recounting do to a longer log, statement by statement.
  for (const table of ['access_log', 'log_checkpoint', 'log_purge', 'recent_request']) {
    await query({ uri: database.replicaUrl }, `DELETE FROM ${table} LIMIT 1`)
  }
})

test("a replica's account changes no table, account or setting, and reads no other database", async () => {
  await using folder = await temporaryFolder()
  await using database = await startIn(folder.path)
  await migrate(database.url)
  for (const statement of statementsRefusedToReplicas('127.0.0.1')) {
    await assert.rejects(query({ uri: database.replicaUrl }, statement), /denied/, statement)
  }
})

test('the folder of a release without that account keeps its data and its password, and gets the account', async () => {
  await using folder = await temporaryFolder()
  const first = await startDatabase({ dataDir: folder.path, size: 'small' })
  await migrate(first.url)
  await query(rootAt(first.socket), `DROP USER '${replicaAccount}'@'127.0.0.1'`)
  await first.stop()
  await rm(join(folder.path, 'replica-password'))

  await using second = await startIn(folder.path)
  assert.equal(new URL(second.url).password, new URL(first.url).password)
  assert.deepEqual(await query({ uri: second.replicaUrl }, 'SELECT value FROM global_counter'), [
    { value: 0 },
  ])
})

test("a replica warns when the replicas are too many for their account's limit", async () => {
  await using folder = await temporaryFolder()
  await using database = await startIn(folder.path)
  await migrate(database.url)
  const limit = `WITH MAX_USER_CONNECTIONS ${2 * connectionsPerReplica}`
  await query(rootAt(database.socket), `ALTER USER '${replicaAccount}'@'127.0.0.1' ${limit}`)
  const pools = openPools(database.replicaUrl)
  const register = (address: string) =>
    registerServer(pools.write, { srvId: address.padEnd(32, '0'), address: `${address}:3000`, name: null })
  try {
    for (const address of ['10.0.0.1', '10.0.0.2']) await register(address)
    assert.equal(await checkLimits(pools.read), null)
    await register('10.0.0.3')
    assert.match(
      (await checkLimits(pools.read)) ?? '',
      /18 of them from replicas: .* room for 2 replicas, and 3 run/,
    )
  } finally {
    await closePools(pools)
  }
})
