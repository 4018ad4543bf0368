import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
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
import { DatabaseFailure } from './home.ts'
import { startDatabase, stopStrayDatabase } from './start.ts'

/** A number that no user has. */
const nameless = 54_321

/** A folder of the test's own, removed with what may still run in it. */
async function ownFolder(t: TestContext, below = ''): Promise<string> {
  const root = await temporaryFolder()
  const dataDir = join(root.path, below)
  t.after(async () => {
    if (below !== 'file') await stopStrayDatabase(dataDir)
    await root.remove()
  })
  return dataDir
}

const start = (dataDir: string, port?: number) =>
  startDatabase({ dataDir, size: 'small', ...(port === undefined ? {} : { port }) })

async function query(account: string | mysql.ConnectionOptions, sql: string): Promise<unknown> {
  const options = typeof account === 'string' ? { uri: account } : account
  const connection = await mysql.createConnection(options)
  try {
    const [rows] = await connection.query(sql)
    return rows
  } finally {
    await connection.end()
  }
}

const isFailure = (message: RegExp) => (error: unknown) =>
  error instanceof DatabaseFailure && message.test(error.message)

test('keeps its data, its password and its port from one start to the next', async t => {
  const dataDir = await ownFolder(t)
  const first = await start(dataDir)
  await query(first.url, 'CREATE TABLE kept (id INT PRIMARY KEY)')
  await first.stop()
  await first.exited
  const second = await start(dataDir)
  assert.equal(second.url, first.url)
  assert.deepEqual(await query(second.url, 'SHOW TABLES'), [{ Tables_in_balance_board: 'kept' }])
  await second.stop()
  await second.stop()
})

test('a killed server is reported as ended, and loses no commit', async t => {
  const dataDir = await ownFolder(t)
  const first = await start(dataDir)
  await query(first.url, 'CREATE TABLE kept (id INT PRIMARY KEY)')
  await query(first.url, 'INSERT INTO kept VALUES (7)')
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  await first.stop()
  const second = await start(dataDir)
  assert.deepEqual(await query(second.url, 'SELECT id FROM kept'), [{ id: 7 }])
  await second.stop()
})

test('lets in only who has its own password, and root not at all over TCP', async t => {
  const [one, two] = await Promise.all([start(await ownFolder(t)), start(await ownFolder(t))])
  const { password } = new URL(one.url)
  assert.match(password, /^[0-9a-f]{32}$/)
  assert.notEqual(new URL(two.url).password, password)
  const strangers = [
    `mysql://root@127.0.0.1:${one.port}/`,
    one.url.replace(password, ''),
    one.url.replace(password, 'x'),
  ]
  for (const stranger of strangers) await assert.rejects(query(stranger, 'SELECT 1'), /Access denied/)
  await Promise.all([one.stop(), two.stop()])
})

test('keeps the password to its owner', async t => {
  const dataDir = await ownFolder(t)
  const database = await start(dataDir)
  await database.stop()
  for (const name of ['password', 'replica-password', 'accounts.sql', 'log']) {
    assert.equal((await stat(join(dataDir, name))).mode & 0o077, 0, name)
  }
})

test('a folder that another server uses is refused immediately, and that server goes on', async t => {
  const dataDir = await ownFolder(t)
  const database = await start(dataDir)
  await assert.rejects(start(dataDir), isFailure(new RegExp(`is in use by process ${database.pid}$`)))
  // The same where only the server's own lock tells: a container, another machine's mount.
  await rm(join(dataDir, 'pid'))
  await assert.rejects(start(dataDir), isFailure(/another database process uses it/))
  await query(database.url, 'SELECT 1')
  await database.stop()
})

test('a server that a killed launcher left can be stopped', async t => {
  const dataDir = await ownFolder(t)
  const { exited } = await start(dataDir)
  assert.equal(await stopStrayDatabase(dataDir), true)
  await exited
  assert.equal(await stopStrayDatabase(dataDir), false)
})

test('a port in use is refused, and the message has its number', async t => {
  const database = await start(await ownFolder(t))
  await assert.rejects(
    start(await ownFolder(t), database.port),
    isFailure(new RegExp(`another program uses port ${database.port}$`)),
  )
  await database.stop()
})

test('a folder whose path is too long for a socket works too', async t => {
  const database = await start(await ownFolder(t, 'a'.repeat(100)))
  assert(Buffer.byteLength(database.socket) < 104)
  await stat(database.socket)
  await database.stop()
  await assert.rejects(stat(database.socket))
})

test('a folder that cannot be created is reported in one sentence', async t => {
  const dataDir = await ownFolder(t, 'file')
  await writeFile(dataDir, '')
  await assert.rejects(start(join(dataDir, 'below')), isFailure(/^cannot keep a database in .*: ENOTDIR/))
})

test('files of another kind of server are left alone', async t => {
  const dataDir = await ownFolder(t)
  await mkdir(join(dataDir, 'files'))
  await writeFile(join(dataDir, 'made-by'), 'Oracle 23.0.0\n')
  await assert.rejects(start(dataDir), isFailure(/was made by Oracle 23.0.0, which .* cannot read/))
})

test('a server that cannot start is reported with the end of its log', async t => {
  const dataDir = await ownFolder(t)
  await (await start(dataDir)).stop()
  await writeFile(join(dataDir, 'files', 'ibdata1'), 'broken')
  await assert.rejects(start(dataDir), isFailure(/^cannot start the database in .*\n.*ibdata1/s))
  assert.match(await readFile(join(dataDir, 'log'), 'utf8'), /ibdata1/)
})

test('a user id without a name can start a database', async t => {
  if (process.getuid?.() !== 0) return // only root can become another
  const dataDir = await ownFolder(t)
  await chown(dataDir, nameless, nameless)
  const script = `
    const { startDatabase } = await import(${JSON.stringify(import.meta.resolve('./start.ts'))})
    process.setgroups([]); process.setgid(${nameless}); process.setuid(${nameless})
    const { stop } = await startDatabase({ dataDir: ${JSON.stringify(dataDir)}, size: 'small' })
    await stop()`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  assert.equal((await stat(join(dataDir, 'files'))).uid, nameless)
})

/** Runs `script` beside a database, with a new temporary folder, in which leftovers can be seen. */
async function runBeside(t: TestContext, script: string) {
  const folder = await temporaryFolder()
  t.after(folder.remove)
  const command = [
    join(import.meta.dirname, '..', 'testing/with-database.ts'),
    process.execPath,
    '-e',
    script,
    'an argument',
  ]
  const child = spawn(process.execPath, command, {
    env: { ...process.env, TMPDIR: folder.path },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { child, ended: once(child, 'exit'), left: () => readdir(folder.path) }
}

test('gives the command its arguments and a database, passes on its status and leaves nothing behind', async t => {
  const run = await runBeside(
    t,
    `if (process.argv[1] !== 'an argument') process.exit(1)
     process.exit(process.env.TEST_DATABASE_URL.startsWith('mysql://') ? 7 : 2)`,
  )
  run.child.stdout.resume()
  assert.deepEqual(await run.ended, [7, null])
  assert.deepEqual(await run.left(), [])
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`passes ${signal} on, stops the database after the command, and ends by it too`, async t => {
    const run = await runBeside(t, `setInterval(() => {}, 1000); console.log('started')`)
    await once(run.child.stdout, 'data')
    run.child.kill(signal)
    assert.deepEqual(await run.ended, [null, signal])
    assert.deepEqual(await run.left(), [])
  })
}

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
    await query(database.replicaUrl, `DELETE FROM ${table} LIMIT 1`)
  }
})

test("a replica's account changes no table, account or setting, and reads no other database", async () => {
  await using folder = await temporaryFolder()
  await using database = await startIn(folder.path)
  await migrate(database.url)
  for (const statement of statementsRefusedToReplicas('127.0.0.1')) {
    await assert.rejects(query(database.replicaUrl, statement), /denied/, statement)
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
  assert.deepEqual(await query(second.replicaUrl, 'SELECT value FROM global_counter'), [{ value: 0 }])
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
