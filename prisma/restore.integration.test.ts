import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { test } from 'node:test'
import mysql, { type RowDataPacket } from 'mysql2/promise'
import { dumpOf } from '../tools/launcher/backup.ts'
import { eventually, temporaryFolder } from '../tools/lib/testing.ts'
import { auditOf, readAudit } from '../web/server/db/audit.ts'
import { closePools, openPools } from '../web/server/db/pools.ts'
import { migrate } from './migrate.ts'
import { migrateCommand, restoreText } from './migrate-command.ts'
import { restore } from './restore.ts'
import { startReplica } from './testing/counting-replica.ts'
import { createTestDatabase } from './testing/test-database.ts'

async function dump(databaseUrl: string): Promise<string> {
  const output = new PassThrough()
  const [dumped] = await Promise.all([
    textOf(output),
    dumpOf(databaseUrl)(output, new AbortController().signal),
  ])
  return dumped
}

const renames = "SELECT 1 FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE 'RENAME%'"

const streamOf = (text: string) => Readable.from([text])

test('a dump that is made under load agrees elsewhere, and replaces the board under running replicas: each request is counted once', async () => {
  await using database = await createTestDatabase()
  await using elsewhere = await createTestDatabase()
  const replicas = [await startReplica(database.url, '10.0.0.1:3000')]
  const [first] = replicas
  assert.ok(first)
  await eventually(() => first.answered.length > 300)
  const text = await dump(database.url)
  // This row is in no dump.
  const second = await startReplica(database.url, '10.0.0.2:3000')
  replicas.push(second)
  try {
    const { counter } = await restore(elsewhere.url, streamOf(text))
    const pools = openPools(elsewhere.url)
    const audit = auditOf(await readAudit(pools.read))
    await closePools(pools)
    assert.ok(audit.consistent && audit.counter === counter && counter >= 300, JSON.stringify(audit))

    await eventually(() => second.answered.some(({ id }) => id > counter + 300))
    await restore(database.url, streamOf(text), { replace: true })
    const restoredAt = performance.now()
    await eventually(() =>
      replicas.every(({ answered }) => answered.filter(({ at }) => at > restoredAt).length > 100),
    )
    for (const { wentBack } of replicas) assert.equal(wentBack.length, 1)
    await Promise.all(replicas.map(replica => replica.stop()))

    const connection = await mysql.createConnection(database.url)
    const [rows] = await connection.query<RowDataPacket[]>('SELECT id, request_id FROM access_log')
    const [tables] = await connection.query<RowDataPacket[]>("SHOW TABLES LIKE '%restore%'")
    await connection.end()
    assert.deepEqual(tables, [])
    const ids = new Map(rows.map(row => [row.request_id, row.id]))
    assert.equal(ids.size, rows.length, 'no request id is there twice')
    const after = replicas.flatMap(({ answered }) => answered.filter(({ at }) => at > restoredAt))
    for (const { requestId, id } of after) assert.equal(ids.get(requestId), id)
    const last = openPools(database.url)
    const end = auditOf(await readAudit(last.read))
    await closePools(last)
    assert.ok(end.consistent, JSON.stringify(end))
  } finally {
    await Promise.all(replicas.map(replica => replica.stop()))
  }
})

test('while others read the tables, as another dump does, a restore waits and page views are counted', async () => {
  await using database = await createTestDatabase()
  const replica = await startReplica(database.url, '10.0.0.1:3000')
  const reader = await mysql.createConnection(database.url)
  try {
    await eventually(() => replica.answered.length > 0)
    const text = await dump(database.url)
    await reader.beginTransaction()
    await reader.query('SELECT COUNT(*) FROM server')
    const restored = restore(database.url, streamOf(text), { replace: true })
    await eventually(async () => (await reader.query<RowDataPacket[]>(renames))[0].length > 0)
    const counted = replica.answered.length
    await eventually(() => replica.answered.length > counted + 50)
    await reader.query('COMMIT')
    await restored
  } finally {
    reader.destroy()
    await replica.stop()
  }
})

test('a restore that may replace no counted page views refuses those that are counted while it waits for the tables', async () => {
  await using database = await createTestDatabase()
  const text = await dump(database.url)
  const reader = await mysql.createConnection(database.url)
  try {
    await reader.beginTransaction()
    await reader.query('SELECT COUNT(*) FROM server')
    const refused = assert.rejects(
      restore(database.url, streamOf(text)),
      /the board has counted \d+ page views/,
    )
    await eventually(async () => (await reader.query<RowDataPacket[]>(renames))[0].length > 0)
    const replica = await startReplica(database.url, '10.0.0.1:3000')
    await eventually(() => replica.answered.length > 0)
    await replica.stop()
    await reader.query('COMMIT')
    await refused
    const [rows] = await reader.query<RowDataPacket[]>('SELECT request_id AS id FROM access_log')
    const kept = new Set(rows.map(({ id }) => id))
    for (const { requestId } of replica.answered) assert.ok(kept.has(requestId))
  } finally {
    reader.destroy()
  }
})

test('a page view that is counted between the last look and the swap is refused too, and stays', async () => {
  await using database = await createTestDatabase()
  const [visitor, watcher] = [
    await mysql.createConnection(database.url),
    await mysql.createConnection(database.url),
  ]
  try {
    const text = await dump(database.url)
    await visitor.beginTransaction()
    await visitor.query('UPDATE global_counter SET value = value + 1 WHERE id = 1')
    const refused = assert.rejects(
      restore(database.url, streamOf(text)),
      /the board has counted 1 page views/,
    )
    // It has looked at the counter and waits for the tables.
    await eventually(async () => (await watcher.query<RowDataPacket[]>(renames))[0].length > 0, {
      everyMs: 10,
    })
    await visitor.query('COMMIT')
    await refused
    const [[counter]] = await watcher.query<RowDataPacket[]>('SELECT value FROM global_counter WHERE id = 1')
    assert.equal(Number(counter?.value), 1)
    const [tables] = await watcher.query<RowDataPacket[]>("SHOW TABLES LIKE '%restore%'")
    assert.deepEqual(tables, [])
  } finally {
    visitor.destroy()
    watcher.destroy()
  }
})

test('while a replica counts, a restore without --replace loses no page view', async () => {
  for (let round = 0; round < 5; round++) {
    await using database = await createTestDatabase()
    const text = await dump(database.url)
    const starting = startReplica(database.url, '10.0.0.1:3000')
    const outcome = await restore(database.url, streamOf(text)).then(
      () => 'restored',
      error => String(error),
    )
    const replica = await starting
    await eventually(() => replica.answered.length > 10)
    await replica.stop()
    assert.match(outcome, /^restored$|the board has counted/)
    const connection = await mysql.createConnection(database.url)
    const [rows] = await connection.query<RowDataPacket[]>('SELECT request_id AS id FROM access_log')
    await connection.end()
    const kept = new Set(rows.map(({ id }) => id))
    for (const { requestId } of replica.answered) assert.ok(kept.has(requestId), outcome)
  }
})

for (const [counted, outcome] of [
  [0, 'the new tables are the board'],
  [1, 'the old ones are the board again'],
] as const) {
  test(`killed between the swap and the new counter, after ${counted} page views: the next migration finishes it, and ${outcome}`, async () => {
    await using database = await createTestDatabase()
    const connection = await mysql.createConnection({ uri: database.url, multipleStatements: true })
    await using _ = { [Symbol.asyncDispose]: () => connection.end() }
    const tables = async () =>
      (await connection.query<RowDataPacket[]>('SHOW TABLES'))[0].flatMap(row =>
        Object.values(row).map(String),
      )
    const own = await tables()
    for (const name of own)
      await connection.query(
        `CREATE TABLE restored_${name} LIKE ${name}; INSERT INTO restored_${name} SELECT * FROM ${name}`,
      )
    await connection.query(
      `UPDATE global_counter SET value = ${counted}; UPDATE restored_global_counter SET value = 70`,
    )
    const moves = own.flatMap(name => [
      `${name} TO before_restore_${name}`,
      ...(name === 'global_counter' ? [] : [`restored_${name} TO ${name}`]),
    ])
    await connection.query(`RENAME TABLE ${moves.join(', ')}`)
    await migrate(database.url)
    assert.deepEqual(
      own.filter(name => !name.includes('restore')),
      (await tables()).filter(name => !name.includes('restore')),
    )
    const [[counter]] = await connection.query<RowDataPacket[]>('SELECT value FROM global_counter')
    assert.equal(Number(counter?.value), counted === 0 ? 70 : counted)
    // And the next restore removes the rest.
    await restore(database.url, streamOf(await dump(database.url)), { replace: true }).catch(error =>
      assert.match(String(error), /does not agree with itself/),
    )
    assert.deepEqual(await tables(), own)
  })
}

test('a restore says how many page views the replaced board had counted, also if the dump has no fewer', async () => {
  await using database = await createTestDatabase()
  const replica = await startReplica(database.url, '10.0.0.1:3000')
  await eventually(() => replica.answered.length > 0)
  await replica.stop()
  const text = await dump(database.url)
  const counted = Number(/INSERT INTO `global_counter` VALUES\s+\(1,(\d+)\)/.exec(text)?.[1])
  assert.ok(counted > 0)
  assert.equal(
    await restoreText(database.url, streamOf(text), { replace: true }),
    `restored: the counter is at ${counted}, the log has ${counted} rows. The replaced board had counted ${counted} page views`,
  )
})

/** Adds what mysqldump writes for a server with GTIDs, the default of MySQL. */
const withGtids = (text: string) => `SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;
SET @@SESSION.SQL_LOG_BIN= 0;
SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,
3e11fa47-71ca-11e1-9e33-c80aa9429563:1-5';
SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;
${text}`

test('the command restores a dump from a file, whole, also of a server with GTIDs', {
  timeout: 60_000,
}, async () => {
  await using database = await createTestDatabase()
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'board.sql')
  await writeFile(file, withGtids(await dump(database.url)))
  assert.equal(
    await migrateCommand(database.url, ['--restore', file]),
    'restored: the counter is at 0, the log has 0 rows',
  )
})

test('a dump has no tables that a killed restore has left, and the next restore removes them', async () => {
  await using database = await createTestDatabase()
  const connection = await mysql.createConnection(database.url)
  await using _ = { [Symbol.asyncDispose]: () => connection.end() }
  const tables = async () =>
    (await connection.query<RowDataPacket[]>('SHOW TABLES'))[0].flatMap(row => Object.values(row).map(String))
  const own = await tables()
  for (const name of own)
    for (const prefix of ['restored_', 'before_restore_'])
      await connection.query(`CREATE TABLE \`${prefix}${name}\` LIKE \`${name}\``)
  const text = await dump(database.url)
  assert.deepEqual(
    [...text.matchAll(/^CREATE TABLE `(\w+)`/gm)].map(([, name]) => name),
    own,
  )
  await restore(database.url, streamOf(text))
  assert.deepEqual(await tables(), own)
})

for (const [words, change, message] of [
  ['ends too early', (text: string) => text.slice(0, text.indexOf('CREATE TABLE `server`')), /not whole/],
  [
    'is of another release',
    (text: string) => text.replaceAll('`log_purge`', '`log_purges`'),
    /another release/,
  ],
  [
    'was not of one moment',
    (text: string) => text.replace(/(INSERT INTO `global_counter` VALUES\s+\(1,)\d+/, '$19'),
    /does not agree/,
  ],
] as const) {
  test(`a dump that ${words} is refused, and the board stays as it is`, async () => {
    await using database = await createTestDatabase()
    const connection = await mysql.createConnection(database.url)
    await using _ = { [Symbol.asyncDispose]: () => connection.end() }
    const tables = async () => (await connection.query<RowDataPacket[]>('SHOW TABLES'))[0]
    const before = await tables()
    await assert.rejects(restore(database.url, streamOf(change(await dump(database.url)))), message)
    assert.deepEqual(await tables(), before)
  })
}
