import { open } from 'node:fs/promises'
import { addAbortSignal, pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { z } from 'zod'
import { reasonOf } from '../web/server/errors.ts'
import { interruptible, type MigrateOptions, whileNoOtherMigrates } from './migrate.ts'
import { MigrationRefused } from './migration-history.ts'
import {
  dropTables,
  loaded,
  readCounter,
  refuseCounted,
  replaced,
  swapTables,
  tablesNamed,
} from './swap-tables.ts'

// Reading a dump directly into a board in use replaces one table at a time: replicas would use the old counter and write to the
// new log. So the dump is loaded into separate tables and checked, and all tables are swapped in one statement.

/** Seconds to wait for the locks of tables that were loaded in vain */
const cleanUpSeconds = 5

/** Statements of mariadb-dump and mysqldump that name a table at the start of a line. */
const naming =
  /^((?:DROP TABLE IF EXISTS|CREATE TABLE|LOCK TABLES|INSERT INTO|\/\*!40000 ALTER TABLE) `)(\w+)`/
/** Comments, including the command that MariaDB writes for its own client. */
const comment = /^(--|\/\*M!999999)/
/**
 * Statements that mysqldump writes on servers with GTIDs. They concern the server, and the account `board` may not run
 * them.
 */
const ofReplication = /^SET @(MYSQLDUMP_TEMP_LOG_BIN|@SESSION\.SQL_LOG_BIN|@GLOBAL\.GTID_PURGED)\b/
/** All other statements of a dump. Any other statement could change the tables in use, so it is refused. */
const ofSession = /^(\/\*M?!\d+ )?(SET|UNLOCK TABLES|COMMIT)\b/i

export type RestoreOptions = MigrateOptions & {
  /** whether a board that has counted page views may be replaced; default: no */
  replace?: boolean
}

/** Figures of the restored board, and the counter of the board that it replaced. */
type Restored = { counter: number; rows: number; replacedCounter: number }

/**
 * Replaces a board's data by a dump of its database (mariadb-dump or mysqldump; plain, or compressed by gzip), also while replicas
 * run. Reads the dump line by line. No counted page view is lost without `replace`.
 * @throws MigrationRefused if the board is not empty and `replace` is not set, if the file is no whole dump, or the dump is of
 * another release or inconsistent; the signal's reason. Nothing is changed then
 */
export function restore(
  databaseUrl: string,
  dump: Readable,
  options: RestoreOptions = {},
): Promise<Restored> {
  const { replace = false, signal } = options
  if (signal) addAbortSignal(signal, dump)
  return whileNoOtherMigrates(databaseUrl, options, async connection => {
    try {
      const { tables, ...figures } = await interruptible(databaseUrl, connection, signal, async () => {
        if (!replace) refuseCounted(await readCounter(connection, ''))
        await dropTables(connection, loaded)
        await dropTables(connection, replaced)
        await load(connection, dump, signal)
        const tables = await ownTables(connection)
        await refuseOtherTables(connection, tables)
        return { tables, ...(await refuseInconsistent(connection)) }
      })
      await swapTables(connection, tables, { replace, signal })
      const replacedCounter = await readCounter(connection, replaced)
      await dropTables(connection, replaced)
      return { ...figures, replacedCounter }
    } catch (error) {
      // The next restore removes what somebody holds now.
      await connection.query(`UNLOCK TABLES; SET SESSION lock_wait_timeout = ${cleanUpSeconds}`)
      await dropTables(connection, loaded).catch(() => {})
      throw error
    }
  })
}

async function load(connection: Connection, dump: Readable, signal: AbortSignal | undefined): Promise<void> {
  let statement = ''
  let number = 0
  let isWhole = false
  for await (const line of linesOf(dump)) {
    number += 1
    if (line.startsWith('-- Dump completed')) isWhole = true
    if (comment.test(line) || (statement === '' && line.trim() === '')) continue
    if (/^(CREATE DATABASE|USE )/.test(line))
      throw new MigrationRefused('dump the database alone, without --databases: this one names where it goes')
    if (statement === '' && ![naming, ofReplication, ofSession].some(known => known.test(line)))
      throw new MigrationRefused(
        `the file is no dump of mariadb-dump or mysqldump: line ${number} is of no dump`,
      )
    statement += `${line.replace(naming, `$1${loaded}$2\``)}\n`
    if (!line.endsWith(';')) continue
    signal?.throwIfAborted()
    if (!ofReplication.test(statement)) await run(connection, statement, number)
    statement = ''
  }
  if (!isWhole)
    throw new MigrationRefused('the dump is not whole: its last line, "-- Dump completed", is missing')
}

async function run(connection: Connection, statement: string, line: number): Promise<void> {
  try {
    await connection.query(statement)
  } catch (error) {
    const reason = reasonOf(error).replaceAll(/\s+/g, ' ')
    throw new MigrationRefused(
      `the dump cannot be read in: the statement that ends at line ${line} fails: ${reason}`,
    )
  }
}

const gzipMagic = Buffer.from([0x1f, 0x8b])

/** Opens the file of a dump. @throws MigrationRefused if it cannot be read */
export async function openDump(path: string): Promise<Readable> {
  try {
    const file = await open(path)
    if (!(await file.stat()).isDirectory()) return file.createReadStream()
    await file.close()
  } catch (error) {
    throw new MigrationRefused(`${path} cannot be read: ${reasonOf(error)}`)
  }
  throw new MigrationRefused(`${path} is a folder, not a dump`)
}

/** The dump's text in pieces, also if it is compressed by gzip. */
async function unpacked(dump: Readable): Promise<Readable> {
  const pieces = piecesOf(dump)
  const { value: first = Buffer.alloc(0) } = await pieces.next()
  const whole = Readable.from(
    (async function* () {
      yield first
      yield* pieces
    })(),
  )
  if (!first.subarray(0, gzipMagic.length).equals(gzipMagic)) return whole
  return pipeline(whole, createGunzip(), () => {}) // the reader of the result gets the error
}

async function* piecesOf(dump: Readable): AsyncGenerator<Buffer> {
  for await (const piece of dump) yield typeof piece === 'string' ? Buffer.from(piece) : piece
}

/** @throws MigrationRefused if the text cannot be read to its end */
async function* linesOf(dump: Readable): AsyncGenerator<string> {
  let started = ''
  try {
    const text = await unpacked(dump)
    for await (const piece of text.setEncoding('utf8')) {
      const [first = '', ...more] = String(piece).split('\n')
      started += first
      for (const next of more) {
        yield started.replace(/\r$/, '')
        started = next
      }
    }
  } catch (error) {
    throw new MigrationRefused(`the file cannot be read to its end: ${reasonOf(error)}`)
  }
  if (started !== '') yield started
}

const ownTables = async (connection: Connection) =>
  (await tablesNamed(connection, '')).filter(name => !name.startsWith(loaded) && !name.startsWith(replaced))

async function refuseOtherTables(connection: Connection, tables: string[]): Promise<void> {
  const found = (await tablesNamed(connection, loaded)).map(name => name.slice(loaded.length))
  const migrations = `SELECT GROUP_CONCAT(migration_name ORDER BY migration_name) AS names FROM`
  const isSame = found.join() === tables.join()
  const [rows] = isSame
    ? await connection.query<RowDataPacket[]>(
        `SELECT (${migrations} _prisma_migrations WHERE finished_at IS NOT NULL) =
           (${migrations} ${loaded}_prisma_migrations WHERE finished_at IS NOT NULL) AS same`,
      )
    : [[]]
  if (rows[0]?.same !== 1)
    throw new MigrationRefused(
      'the dump is of another release than this database: stop the replicas, read it in with the database’s own client, then migrate',
    )
}

const totals = z.tuple([
  z.object({
    counter: z.coerce.number(),
    rows: z.coerce.number(),
    purged: z.coerce.number(),
    max_id: z.coerce.number(),
    hits: z.coerce.number(),
  }),
])

/** The equation of the audit, with all rows counted: a dump with a gap in its numbers is refused too. */
async function refuseInconsistent(connection: Connection) {
  const [read] = await connection.query(`SELECT counter, found AS \`rows\`, hits,
      COALESCE(max_id, through_id, 0) AS max_id,
      COALESCE(min_id - 1, through_id, 0) AS purged
    FROM (SELECT COUNT(*) AS found, MIN(id) AS min_id, MAX(id) AS max_id FROM ${loaded}access_log) AS log,
      (SELECT
        (SELECT value FROM ${loaded}global_counter WHERE id = 1) AS counter,
        (SELECT through_id FROM ${loaded}log_purge WHERE id = 1) AS through_id,
        (SELECT COALESCE(SUM(hits), 0) FROM ${loaded}server) AS hits) AS others`)
  const [{ counter, rows, purged, max_id, hits }] = totals.parse(read)
  if ([max_id, rows + purged, hits].some(figure => figure !== counter))
    throw new MigrationRefused(
      `the dump does not agree with itself (counter ${counter}, newest number ${max_id}, rows ${rows} + purged ${purged}, ` +
        `hits ${hits}): was it made with --single-transaction?`,
    )
  return { counter, rows }
}
