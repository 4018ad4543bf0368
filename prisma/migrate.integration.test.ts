import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { RowDataPacket } from 'mysql2/promise'
import mysql from 'mysql2/promise'
import { startStubServer, temporaryFolder } from '../tools/lib/testing.ts'
import { bundleInto } from '../web/build.ts'
import { DatabaseUnreachable } from './connect.ts'
import { migrate, waitForMigrations } from './migrate.ts'
import { resolveMigration, runRepair } from './migrate-command.ts'
import { checksum, MigrationRefused, readMigrations } from './migration-history.ts'
import { createEmptyDatabase } from './testing/test-database.ts'

const own = (await readMigrations(join(import.meta.dirname, 'migrations'))).map(({ name }) => name)
const first = '20261122000000_first'

/** An empty database for one test, and a copy of the migrations that it may change. */
async function openRoom() {
  const database = await createEmptyDatabase()
  const connection = await mysql.createConnection(database.url)
  const folder = await temporaryFolder()
  const migrations = folder.path
  await cp(join(import.meta.dirname, 'migrations'), migrations, { recursive: true })
  return {
    url: database.url,
    migrations,
    run: () => migrate(database.url, { migrations }),
    async addMigration(name: string, sql: string) {
      await mkdir(join(migrations, name))
      await writeFile(join(migrations, name, 'migration.sql'), sql)
    },
    async query(sql: string) {
      const [rows] = await connection.query<RowDataPacket[]>(sql)
      return rows
    },
    /** Everything that a refusal must not change. */
    async state() {
      const tables = await this.query('SHOW TABLES')
      const records = tables.length ? await this.query('SELECT * FROM _prisma_migrations ORDER BY id') : []
      return { tables, records }
    },
    async [Symbol.asyncDispose]() {
      await connection.end()
      await database.drop()
      await folder.remove()
    },
  }
}

type Room = Awaited<ReturnType<typeof openRoom>>

async function assertRefused(room: Room, message: RegExp) {
  const before = await room.state()
  await assert.rejects(room.run(), error => error instanceof MigrationRefused && message.test(error.message))
  assert.deepEqual(await room.state(), before)
}

test('an empty database gets the tables and the counter; a second run does nothing', async () => {
  await using room = await openRoom()
  assert.deepEqual(await room.run(), own)
  assert.deepEqual(await room.query('SELECT id, value FROM global_counter'), [{ id: 1, value: 0 }])
  const after = await room.state()
  assert.deepEqual(await room.run(), [])
  assert.deepEqual(await room.state(), after)
})

test('the record is as Prisma writes it', async () => {
  await using room = await openRoom()
  await room.addMigration('20270101000000_next', 'CREATE TABLE next (id INT PRIMARY KEY);\n')
  await room.run()
  const records = await room.query(
    `SELECT migration_name, checksum, id, logs, rolled_back_at, applied_steps_count,
       finished_at >= started_at AND started_at BETWEEN UTC_TIMESTAMP() - INTERVAL 5 MINUTE AND UTC_TIMESTAMP(3) AS now
     FROM _prisma_migrations ORDER BY migration_name`,
  )
  const nextRecord = records.pop()
  assert.deepEqual(
    records.map(record => record.migration_name),
    own,
  )
  assert(nextRecord)
  const { id, ...next } = nextRecord
  assert.match(String(id), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.deepEqual(next, {
    migration_name: '20270101000000_next',
    checksum: checksum('CREATE TABLE next (id INT PRIMARY KEY);\n'),
    logs: null,
    rolled_back_at: null,
    applied_steps_count: 1,
    now: 1,
  })
})

test('goes on where Prisma itself left off: applied, marked as applied, and rolled back', async () => {
  await using room = await openRoom()
  await room.run()
  await room.addMigration('20270101000000_resolved', 'this was done by hand')
  await room.addMigration('20270102000000_again', 'CREATE TABLE again (id INT PRIMARY KEY)')
  // What `prisma migrate resolve` writes: --applied a finished record without steps, --rolled-back a mark.
  await room.query(`INSERT INTO _prisma_migrations (id, checksum, migration_name, logs, started_at, finished_at)
    VALUES (UUID(), '${checksum('this was done by hand')}', '20270101000000_resolved', '', NOW(3), NOW(3))`)
  await room.query(`INSERT INTO _prisma_migrations (id, checksum, migration_name, logs, started_at, rolled_back_at)
    VALUES (UUID(), 'another', '20270102000000_again', 'failed', NOW(3), NOW(3))`)
  assert.deepEqual(await room.run(), ['20270102000000_again'])
})

test('two concurrent migrations: one works, the other waits and finds nothing to do', async () => {
  await using room = await openRoom()
  await room.addMigration('20270101000000_slow', 'DO SLEEP(0.3); CREATE TABLE slow (id INT PRIMARY KEY)')
  const applied = await Promise.all([room.run(), room.run(), room.run()])
  assert.deepEqual(applied.flat(), [...own, '20270101000000_slow'])
})

test('line endings that a checkout changed do not count as a change', async () => {
  await using room = await openRoom()
  await room.addMigration('20270101000000_next', 'CREATE TABLE next (\n  id INT PRIMARY KEY\n);\n')
  await room.run()
  const file = join(room.migrations, '20270101000000_next/migration.sql')
  await writeFile(file, 'CREATE TABLE next (\r\n  id INT PRIMARY KEY\r\n);\r\n')
  assert.deepEqual(await room.run(), [])
})

test('refuses a migration whose file was changed after it was applied', async () => {
  await using room = await openRoom()
  await room.run()
  await appendFile(join(room.migrations, first, 'migration.sql'), '-- one more line\n')
  await room.addMigration('20270101000000_next', 'CREATE TABLE next (id INT PRIMARY KEY)')
  await assertRefused(room, /file of migration 20261122000000_first was changed/)
})

test('a migration that fails half-way is recorded, and the next run refuses', async () => {
  await using room = await openRoom()
  await room.addMigration(
    '20270101000000_bad',
    'CREATE TABLE half (id INT PRIMARY KEY); CREATE TABLE half (id INT)',
  )
  await room.addMigration('20270102000000_next', 'CREATE TABLE next (id INT PRIMARY KEY)')
  await assert.rejects(room.run(), /migration 20270101000000_bad failed half-way: .*half.* exists/)
  assert.deepEqual(
    await room.query(`SELECT migration_name, finished_at, applied_steps_count, logs LIKE '%half%exists%' AS isLogged
      FROM _prisma_migrations WHERE migration_name NOT IN ('${own.join("', '")}')`),
    [{ migration_name: '20270101000000_bad', finished_at: null, applied_steps_count: 0, isLogged: 1 }],
  )
  await assertRefused(room, /20270101000000_bad failed half-way earlier/)
})

for (const [resolution, pending] of [
  ['applied', ['20270102000000_next']],
  ['rolled-back', ['20270101000000_bad', '20270102000000_next']],
] as const) {
  test(`a migration that failed half-way, repaired and marked as ${resolution}, no longer blocks`, async () => {
    await using room = await openRoom()
    await room.addMigration(
      '20270101000000_bad',
      'CREATE TABLE half (id INT PRIMARY KEY); CREATE TABLE whole (id INT); INSERT INTO broken VALUES (1)',
    )
    await room.addMigration('20270102000000_next', 'CREATE TABLE next (id INT PRIMARY KEY)')
    await assert.rejects(room.run(), /npm run migrate -- --applied 20270101000000_bad/)
    await assertRefused(
      room,
      /npm run migrate -- --run FILE;.* --applied 20270101000000_bad;.* --rolled-back 20/,
    )
    const repair = 'DROP TABLE half; DROP TABLE whole; CREATE TABLE broken (id INT)'
    await runRepair(room.url, repair)
    const { migrations } = room
    await resolveMigration(room.url, '20270101000000_bad', resolution, { migrations })
    assert.deepEqual(await room.run(), pending)
    assert.deepEqual(await room.run(), [])
    // As Prisma's command leaves it.
    assert.deepEqual(
      await room.query(`SELECT rolled_back_at IS NOT NULL AS undone, finished_at IS NOT NULL AS done, applied_steps_count
        FROM _prisma_migrations WHERE migration_name = '20270101000000_bad' ORDER BY done`),
      [
        { undone: 1, done: 0, applied_steps_count: 0 },
        { undone: 0, done: 1, applied_steps_count: resolution === 'applied' ? 0 : 1 },
      ],
    )
  })
}

test('marks only a migration that failed', async () => {
  await using room = await openRoom()
  await room.run()
  const before = await room.state()
  const { migrations } = room
  for (const name of [first, '20270101000000_none'])
    for (const resolution of ['applied', 'rolled-back'] as const)
      await assert.rejects(resolveMigration(room.url, name, resolution, { migrations }), /did not fail/)
  assert.deepEqual(await room.state(), before)
})

test('a replica waits until another process has migrated, and says what is missing', async () => {
  await using room = await openRoom()
  const reasons: string[] = []
  const { promise: waits, resolve } = Promise.withResolvers<void>()
  const waiting = waitForMigrations(room.url, reason => {
    reasons.push(reason)
    resolve()
  })
  await waits
  assert.deepEqual(await room.state(), { tables: [], records: [] })
  await room.run()
  await waiting
  assert.equal(reasons[0], `the database does not have ${own.join(', ')}`)
})

test('a wait for migrations ends with newer ones too, but not while one has failed or the database is away', async () => {
  await using room = await openRoom()
  await room.addMigration('29990101000000_newer', 'SELECT 1')
  await room.run()
  const noPatience = (url: string) => waitForMigrations(url, () => {}, { patience: 0 })
  await noPatience(room.url)
  const last = own.at(-1) ?? ''
  await room.query(`UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '${last}'`)
  const failed = new RegExp(`^waited 0 s for the migrations: the database does not have ${last}$`)
  await assert.rejects(noPatience(room.url), { name: 'MigrationRefused', message: failed })
  await room.query(
    `UPDATE _prisma_migrations SET finished_at = NOW(), rolled_back_at = NOW() WHERE migration_name = '${last}'`,
  )
  await assert.rejects(noPatience(room.url), { message: failed })
  const away = new URL(room.url)
  away.port = '1'
  await assert.rejects(noPatience(away.href), { message: /^waited 0 s for .*: cannot reach the database / })
  await assert.rejects(noPatience('postgres://a'), { name: 'BadDatabaseUrl' })
})

test('as a command, marks a failed migration, and prints its usage', async () => {
  await using room = await openRoom()
  await runCommand(room.url)
  await room.query(`UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '${first}'`)
  const failed = await runCommand(room.url)
  assert.equal(failed.status, 1)
  assert.match(failed.err, new RegExp(`npm run migrate -- --applied ${first}`))
  const marked = await runCommand(room.url, '--applied', first)
  assert.deepEqual(marked, { out: `${first} is marked as applied\n`, err: '', status: 0 })
  assert.equal((await runCommand(room.url)).out, 'the database is up to date\n')
  for (const words of [['--applied'], ['--forced', first], ['--applied', first, first], ['--applied', first]])
    assert.equal((await runCommand(room.url, ...words)).status, 1)
})

test('as a command, repairs the tables with SQL from a file or the input, and runs a failed migration again', async () => {
  await using room = await openRoom()
  await using folder = await temporaryFolder()
  await runCommand(room.url)
  const failed = '20261123000000_drain'
  const undo = 'ALTER TABLE server DROP COLUMN drain_wanted'
  const file = join(folder.path, 'repair.sql')
  await writeFile(file, undo)
  for (const [words, input] of [
    [['--run', file], ''],
    [['--run', '-'], undo],
  ] as const) {
    await room.query(`UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '${failed}'`)
    const repaired = await runProgram(source, room.url, [...words], input)
    assert.deepEqual(repaired, { out: 'done\n', err: '', status: 0 })
    const marked = await runCommand(room.url, '--rolled-back', failed)
    assert.deepEqual([marked.err, marked.status], ['', 0])
    assert.equal((await runCommand(room.url)).out, `migrated: ${failed}\n`)
  }
})

test('in the image the built command does it, and the message names that command', async () => {
  await using room = await openRoom()
  await using folder = await temporaryFolder()
  const image = folder.path
  await bundleInto(image)
  await cp(join(import.meta.dirname, 'migrations'), join(image, 'prisma/migrations'), { recursive: true })
  const run = (...words: string[]) => runProgram(join(image, 'prisma/migrate.mjs'), room.url, words)
  assert.equal((await run()).status, 0)
  await room.query(`UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '${first}'`)
  const { err } = await run()
  const command = 'docker compose run --rm -T migrate node prisma/migrate.mjs'
  assert.ok(err.includes(`${command} --applied ${first};`), err)
  assert.ok(err.includes(`${command} --run - < FILE;`), err)
  assert.equal((await run('--applied', first)).status, 0)
  assert.equal((await run()).out, 'the database is up to date\n')
})

test('refuses a database newer than the code', async () => {
  await using room = await openRoom()
  await room.addMigration('20270101000000_next', 'CREATE TABLE next (id INT PRIMARY KEY)')
  await room.run()
  await rm(join(room.migrations, '20270101000000_next'), { recursive: true })
  await assertRefused(room, /newer than this code: it has migration 20270101000000_next/)
})

test('refuses a database with tables that came from no migration', async () => {
  await using room = await openRoom()
  await room.query('CREATE TABLE other (id INT PRIMARY KEY)')
  await assert.rejects(room.run(), /has 1 tables, and none is from a migration/)
  assert.equal((await room.query('SHOW TABLES')).length, 1)
})

test('refuses a folder without migrations', async () => {
  await using room = await openRoom()
  for (const name of own) await rm(join(room.migrations, name), { recursive: true })
  await assertRefused(room, /there are no migrations in/)
})

/** A proxy to the database that closes the first connections, as a starting database does. */
async function openDoor(databaseUrl: string, hangUpOn: number) {
  const url = new URL(databaseUrl)
  const port = Number(url.port)
  let callers = 0
  const letIn = (caller: Socket) => {
    callers += 1
    if (callers <= hangUpOn) caller.destroy()
    else pipeline(caller, connect(port, '127.0.0.1'), caller, () => {}) // when either ends, so does the other
  }
  const door = await startStubServer(createServer(letIn))
  url.port = String(door.port)
  return { ...door, url: url.href, callers: () => callers }
}

test('refuses a database that it cannot reach, after the timeout', async () => {
  await using room = await openRoom()
  await using door = await openDoor(room.url, Number.POSITIVE_INFINITY)
  await assert.rejects(
    migrate(door.url, { patience: 100 }),
    error =>
      error instanceof DatabaseUnreachable &&
      /^cannot reach the database test_\w+ at 127/.test(error.message),
  )
  assert.deepEqual(await room.state(), { tables: [], records: [] })
  assert(door.callers() > 1, 'it tried again')
})

test('waits for a database that comes up late', async () => {
  await using room = await openRoom()
  await using door = await openDoor(room.url, 2)
  assert.deepEqual(await migrate(door.url), own)
})

test('does not retry after a refusal', async () => {
  await using room = await openRoom()
  const url = new URL(room.url)
  url.pathname = '/test_of_nobody'
  await assert.rejects(migrate(url.href), /cannot reach the database test_of_nobody at .*Unknown database/)
})

const source = join(import.meta.dirname, 'migrate-main.ts')

const runCommand = (databaseUrl: string, ...words: string[]) => runProgram(source, databaseUrl, words)

async function runProgram(program: string, databaseUrl: string, words: string[], input = '') {
  const env = { ...process.env, DATABASE_URL: databaseUrl }
  const child = spawn(process.execPath, [program, ...words], { env })
  child.stdin.end(input)
  const [out, err, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { out, err, status }
}

test('as a command, says what it did', async () => {
  await using room = await openRoom()
  assert.deepEqual(await runCommand(room.url), { out: `migrated: ${own.join(', ')}\n`, err: '', status: 0 })
  assert.deepEqual(await runCommand(room.url), { out: 'the database is up to date\n', err: '', status: 0 })
})

test('as a command, refuses in one sentence and with status 1', async () => {
  const err = 'DATABASE_URL must be mysql://user:password@host:port/database\n'
  assert.deepEqual(await runCommand(''), { out: '', err, status: 1 })
})
