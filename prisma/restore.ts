import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { z } from 'zod'
import { codeOf } from '../web/server/errors.ts'
import { type MigrateOptions, whileNoOtherMigrates } from './migrate.ts'
import { MigrationRefused } from './migration-history.ts'

// Reading a dump directly into a board in use replaces one table at a time: replicas would use the old counter and write to the
// new log. So the dump is loaded into separate tables and checked, and all tables are swapped in one statement.

const loaded = 'restored_'
const replaced = 'before_restore_'

/** Seconds to wait for the tables' locks. All page views wait behind the restore meanwhile. */
const swapWaitSeconds = 1
/** ms between two tries, in which page views are counted */
const swapPauseMs = 2000
/** Maximum tries: 10 minutes, in which readers of the tables, for example a dump, may finish. */
const maxSwaps = 200

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

/**
 * Replaces a board's data by a dump of its database (mariadb-dump or mysqldump), also while replicas run. Reads it line
 * by line.
 * @returns the counter's value
 * @throws MigrationRefused if the dump is of another release or inconsistent; nothing is changed then
 */
export function restore(databaseUrl: string, dump: Readable, options: MigrateOptions = {}): Promise<number> {
  return whileNoOtherMigrates(databaseUrl, options, async connection => {
    await dropTables(connection, loaded)
    await dropTables(connection, replaced)
    try {
      await load(connection, dump)
      const tables = await ownTables(connection)
      await refuseOtherTables(connection, tables)
      const counter = await refuseInconsistent(connection)
      await swap(connection, tables)
      await dropTables(connection, replaced)
      return counter
    } catch (error) {
      await connection.query('UNLOCK TABLES')
      await dropTables(connection, loaded)
      throw error
    }
  })
}

async function load(connection: Connection, dump: Readable): Promise<void> {
  let statement = ''
  let isWhole = false
  // Create the reader only now: it drops lines, and the end, that come before the loop starts.
  for await (const line of createInterface({ input: dump, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.startsWith('-- Dump completed')) isWhole = true
    if (comment.test(line) || (statement === '' && line.trim() === '')) continue
    if (/^(CREATE DATABASE|USE )/.test(line))
      throw new MigrationRefused('dump the database alone, without --databases: this one names where it goes')
    statement += `${line.replace(naming, `$1${loaded}$2\``)}\n`
    if (!line.endsWith(';')) continue
    if (!ofReplication.test(statement)) await connection.query(statement)
    statement = ''
  }
  if (!isWhole)
    throw new MigrationRefused('the dump is not whole: its last line, "-- Dump completed", is missing')
}

async function tablesNamed(connection: Connection, prefix: string): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = DATABASE() AND LEFT(table_name, ?) = ? ORDER BY table_name`,
    [prefix.length, prefix],
  )
  return rows.map(row => z.string().parse(row.name))
}

const ownTables = async (connection: Connection) =>
  (await tablesNamed(connection, '')).filter(name => !name.startsWith(loaded) && !name.startsWith(replaced))

async function dropTables(connection: Connection, prefix: string): Promise<void> {
  const tables = await tablesNamed(connection, prefix)
  if (tables.length > 0) await connection.query(`DROP TABLE ${tables.map(quoted).join(', ')}`)
}

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
  z.object({ counter: z.coerce.number(), max_id: z.coerce.number(), hits: z.coerce.number() }),
])

async function refuseInconsistent(connection: Connection): Promise<number> {
  const [rows] = await connection.query(`SELECT
    (SELECT value FROM ${loaded}global_counter WHERE id = 1) AS counter,
    COALESCE((SELECT MAX(id) FROM ${loaded}access_log), (SELECT through_id FROM ${loaded}log_purge), 0) AS max_id,
    (SELECT COALESCE(SUM(hits), 0) FROM ${loaded}server) AS hits`)
  const [{ counter, max_id, hits }] = totals.parse(rows)
  if (counter !== max_id || counter !== hits)
    throw new MigrationRefused(
      `the dump does not agree with itself (counter ${counter}, newest number ${max_id}, hits ${hits}): was it made with --single-transaction?`,
    )
  return counter
}

/** Swaps all tables in one statement: every transaction sees either all the old tables or all the new ones. */
async function swap(connection: Connection, tables: string[]): Promise<void> {
  const moves = tables.flatMap(name => [
    `${quoted(name)} TO ${quoted(replaced + name)}`,
    `${quoted(loaded + name)} TO ${quoted(name)}`,
  ])
  await connection.query(`SET SESSION lock_wait_timeout = ${swapWaitSeconds}`)
  for (let attempt = 1; ; attempt++) {
    try {
      await connection.query(`RENAME TABLE ${moves.join(', ')}`)
      return
    } catch (error) {
      if (codeOf(error) !== 'ER_LOCK_WAIT_TIMEOUT') throw error
      if (attempt === maxSwaps)
        throw new MigrationRefused(
          'others read the tables all the time, for example a dump: end them, then restore',
        )
      await pause(swapPauseMs)
    }
  }
}

const quoted = (name: string) => `\`${name}\``
