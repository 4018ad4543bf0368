import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import mysql, { type RowDataPacket } from 'mysql2/promise'
import { migrate } from '../../prisma/migrate.ts'
import { startReplica } from '../../prisma/testing/counting-replica.ts'
import { createTestDatabase } from '../../prisma/testing/test-database.ts'
import { auditOf, readAudit } from '../../web/server/db/audit.ts'
import { closePools, openPools } from '../../web/server/db/pools.ts'
import { eventually, startStubServer, temporaryFolder } from '../lib/testing.ts'
import { dataDirAt, writeStackFiles } from './stack/data-dir.ts'
import { startThrowAwayDatabase } from './testing/with-database.ts'

/** A board for the commands: a database, and a server that answers the audit as a replica does. */
async function openBoard(databaseUrl: string) {
  const pools = openPools(databaseUrl)
  const folder = await temporaryFolder()
  const server = await startStubServer(async (_request, response) =>
    response.end(JSON.stringify(auditOf(await readAudit(pools.read)))),
  )
  const dataDir = join(folder.path, 'data')
  await mkdir(dataDir)
  const [nginx, database] = [{ pid: 1 }, { pid: 1 }]
  writeStackFiles(dataDirAt(dataDir), { url: server.url, databaseUrl, nginx, database, replicas: [] })
  return {
    folder: folder.path,
    /** where the commands are run, and what they leave */
    files: () => readdir(folder.path).then(names => names.filter(name => name !== 'data')),
    start(words: string[]) {
      const script = join(import.meta.dirname, 'backup.ts')
      return spawn(process.execPath, [script, ...words], {
        env: { ...process.env, DATA_DIR: dataDir, INIT_CWD: folder.path },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    },
    async run(...words: string[]) {
      return endingOf(this.start(words))
    },
    async ids() {
      const connection = await mysql.createConnection(databaseUrl)
      const [rows] = await connection.query<RowDataPacket[]>('SELECT id FROM access_log ORDER BY id')
      await connection.end()
      return rows.map(row => Number(row.id))
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await closePools(pools)
      await folder.remove()
    },
  }
}

async function endingOf(command: ReturnType<typeof spawn>) {
  const read = (stream: typeof command.stdout) => (stream ? text(stream) : '')
  const [[status], said, refused] = await Promise.all([
    once(command, 'close'),
    read(command.stdout),
    read(command.stderr),
  ])
  return { status, said, refused }
}

/** Asserts that a command refused in one plain sentence. */
function assertSentence(ending: Awaited<ReturnType<typeof endingOf>>, sentence: RegExp): void {
  assert.equal(ending.status, 1, ending.said)
  assert.match(ending.refused, sentence)
  assert.match(ending.refused, /^Balance Board: [^\n]+\n$/)
}

const numbersTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

test('a backup under load is restored on another server: no gap, the audit agrees, and a board in use is only replaced on demand', {
  timeout: 600_000,
}, async () => {
  await using database = await createTestDatabase()
  await using board = await openBoard(database.url)
  const replica = await startReplica(database.url, '10.0.0.1:3000')
  try {
    await eventually(() => replica.answered.length > 300)
    const before = Math.max(...replica.answered.map(({ id }) => id))
    const saved = await board.run('backup', 'board.sql.gz')
    assert.equal(saved.status, 0, saved.refused)
    const counter = Number(/the counter is at (\d+)\n$/.exec(saved.said)?.[1])
    assert.ok(counter >= before, `${counter} of at least ${before}`)
    assert.deepEqual(await board.files(), ['board.sql.gz'])
    assert.equal((await stat(join(board.folder, 'board.sql.gz'))).mode & 0o777, 0o600)

    const elsewhere = await startThrowAwayDatabase()
    try {
      await migrate(elsewhere.url)
      await using other = await openBoard(elsewhere.url)
      const restored = await other.run('restore', join(board.folder, 'board.sql.gz'))
      assert.equal(restored.status, 0, restored.refused)
      const [first, ...audit] = restored.said.split('\n')
      assert.equal(first, `restored: the counter is at ${counter}, the log has ${counter} rows`)
      assert.match(audit.join('\n'), new RegExp(`^counter ${counter} = .*\nconsistent: `))
      assert.deepEqual(await other.ids(), numbersTo(counter))

      // A plain name gives plain text. The restored board is dumped just as well.
      assert.equal((await other.run('backup', 'again.sql')).status, 0)
      assert.match(await readFile(join(other.folder, 'again.sql'), 'utf8'), /\n-- Dump completed/)
      await assertRefusedUnlessReplace(other, join(other.folder, 'again.sql'), counter)
    } finally {
      await elsewhere.stop()
    }

    const taken = await readFile(join(board.folder, 'board.sql.gz'))
    assertSentence(await board.run('backup', 'board.sql.gz'), /board\.sql\.gz exists: choose another name/)
    assert.deepEqual(await readFile(join(board.folder, 'board.sql.gz')), taken)

    await assertRefusedUnlessReplace(board, 'board.sql.gz', counter)
    const replaced = await board.run('restore', 'board.sql.gz', '--replace')
    assert.equal(replaced.status, 0, replaced.refused)
    assert.match(
      replaced.said,
      new RegExp(`counter is at ${counter}, .* its numbers from ${counter + 1} on are lost`),
    )
    assert.match(replaced.said, /\nconsistent: /)
    const restoredAt = performance.now()
    await eventually(() => replica.answered.some(({ at }) => at > restoredAt))
    await eventually(() => replica.wentBack.length === 1)
  } finally {
    await replica.stop()
  }
  const last = Math.max(...(await board.ids()))
  assert.deepEqual(await board.ids(), numbersTo(last))
})

async function assertRefusedUnlessReplace(
  board: Awaited<ReturnType<typeof openBoard>>,
  file: string,
  atLeast: number,
) {
  const refused = await board.run('restore', file)
  assertSentence(refused, /the board has counted \d+ page views: .* say --replace/)
  assert.ok(Math.max(...(await board.ids())) >= atLeast)
}

test('a backup that is interrupted, or whose database fails, leaves no file and no query', {
  timeout: 300_000,
}, async () => {
  await using database = await createTestDatabase()
  await using board = await openBoard(database.url)
  const other = await mysql.createConnection(database.url)
  try {
    const dumping = async () => {
      const [rows] = await other.query<RowDataPacket[]>(
        "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE '%access_log%' AND id <> CONNECTION_ID()",
      )
      return rows[0]?.id
    }
    // The dump waits at this table when it has written others.
    await other.query('LOCK TABLES access_log WRITE')
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const command = board.start(['backup', 'board.sql.gz'])
      const ending = endingOf(command)
      await eventually(async () => (await dumping()) && (await board.files()).length > 0)
      assert.match((await board.files()).join(), /^board\.sql\.gz\.\d+\.part$/)
      command.kill(signal)
      assertSentence(await ending, new RegExp(`ended early, by ${signal}`))
      assert.deepEqual(await board.files(), [])
      await eventually(async () => (await dumping()) === undefined)
    }
    const ending = endingOf(board.start(['backup', 'board.sql.gz']))
    await other.query(`KILL ${await eventually(dumping)}`)
    const failed = await ending
    assert.equal(failed.status, 1)
    assert.match(failed.refused, /^Balance Board: the dump failed: /)
    assert.deepEqual(await board.files(), [])
  } finally {
    await other.end()
  }
})

test('a restore that is interrupted ends in one sentence, and leaves the board and no table', {
  timeout: 300_000,
}, async () => {
  await using database = await createTestDatabase()
  await using board = await openBoard(database.url)
  assert.equal((await board.run('backup', 'board.sql')).status, 0)
  const other = await mysql.createConnection(database.url)
  const tables = async () =>
    (await other.query<RowDataPacket[]>('SHOW TABLES'))[0].flatMap(row => Object.values(row).map(String))
  const own = await tables()
  const runs = async (text: string) => {
    const [rows] = await other.query<RowDataPacket[]>(
      'SELECT 1 FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE ?',
      [`${text}%`],
    )
    return rows.length > 0
  }
  const interrupt = async (signal: NodeJS.Signals, waits: () => Promise<boolean>) => {
    const command = board.start(['restore', 'board.sql'])
    const ending = endingOf(command)
    await eventually(waits)
    command.kill(signal)
    assertSentence(await ending, new RegExp(`ended early, by ${signal}`))
    assert.deepEqual(await tables(), own)
  }
  try {
    await other.query("DO GET_LOCK('prisma_migrate', 0)")
    await interrupt('SIGTERM', () => runs("SELECT GET_LOCK('prisma_migrate'"))
    await other.query("DO RELEASE_LOCK('prisma_migrate')")

    // It is loaded then, and waits for the tables.
    const reader = await mysql.createConnection(database.url)
    await reader.beginTransaction()
    await reader.query('SELECT COUNT(*) FROM server')
    await interrupt('SIGINT', () => runs('RENAME TABLE'))
    reader.destroy()

    // The load waits for a table.
    await other.query('CREATE TABLE restored_server LIKE server')
    const holder = await mysql.createConnection(database.url)
    await holder.query('LOCK TABLES restored_server READ')
    const command = board.start(['restore', 'board.sql'])
    const ending = endingOf(command)
    await eventually(() => runs('DROP TABLE'))
    command.kill('SIGTERM')
    // It does not wait for the holder, so the next one removes that table.
    assertSentence(await ending, /ended early, by SIGTERM/)
    holder.destroy()
    assert.equal((await board.run('restore', 'board.sql')).status, 0)
    assert.deepEqual(await tables(), own)
  } finally {
    await other.end()
  }
})

test('a backup to a place where no file can be is refused in one sentence', async () => {
  await using database = await createTestDatabase()
  await using board = await openBoard(database.url)
  assertSentence(await board.run('backup', 'missing/board.sql'), /cannot write .*missing.board\.sql: ENOENT/)
  assertSentence(await board.run('backup', '.'), / exists: choose another name/)
  assertSentence(await board.run('backup', 'a', 'b'), /usage: npm run backup/)
  assertSentence(await board.run('backup', '--gzip'), /Unknown option '--gzip'\. Usage: npm run backup/)
  assert.deepEqual(await board.files(), [])
})

test('a file that is no whole dump of a board is refused in one sentence, and the board stays', {
  timeout: 300_000,
}, async () => {
  await using database = await createTestDatabase()
  await using board = await openBoard(database.url)
  const replica = await startReplica(database.url, '10.0.0.1:3000')
  await eventually(() => replica.answered.length > 100)
  await replica.stop()
  const before = await board.ids()
  assert.equal((await board.run('backup', 'good.sql.gz')).status, 0)
  const good = gunzipSync(await readFile(join(board.folder, 'good.sql.gz'))).toString()
  const cut = async (name: string) => {
    await writeFile(join(board.folder, name), gzipSync(good))
    const { size } = await stat(join(board.folder, name))
    await truncate(join(board.folder, name), size - 30)
  }
  await cut('cut.sql.gz')
  await mkdir(join(board.folder, 'folder'))
  const files: [name: string, content: string | Buffer | null, sentence: RegExp][] = [
    ['missing.sql', null, /missing\.sql cannot be read: ENOENT/],
    ['folder', null, /folder is a folder, not a dump/],
    ['cut.sql.gz', null, /the file cannot be read to its end: unexpected end of file/],
    ['empty.sql', '', /the dump is not whole/],
    ['text.sql', 'Dear board,\nhow are you?\n', /is no dump .*: line 1 /],
    ['bytes.gz', Buffer.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6]), /the file cannot be read to its end/],
    ['bytes.sql', Buffer.from([0, 200, 255, 10, 0]), /is no dump/],
    ['drop.sql', 'DROP TABLE access_log;\n-- Dump completed\n', /is no dump .*: line 1 /],
    ['delete.sql', `${good}\nDELETE FROM access_log;\n`, /is no dump .*: line \d+ /],
    ['broken.sql', good.replace('CREATE TABLE `access_log` (', 'CREATE TABLE `access_log` ((('), /fails: /],
    // A row in the middle is missing; the counter, the newest number and the hits are as they were.
    ['gap.sql', good.replace(/\(50,'[^)]*'\),\n?/, ''), /does not agree with itself .*rows \d+ \+ purged 0/],
    ['half.sql', good.slice(0, good.length / 2), /the dump is not whole/],
  ]
  for (const [name, content, sentence] of files) {
    if (content !== null) await writeFile(join(board.folder, name), content)
    assertSentence(await board.run('restore', name, '--replace'), sentence)
    assert.deepEqual(await board.ids(), before, name)
  }
  assertSentence(await board.run('restore'), /usage: .*npm run restore -- FILE/)
})
