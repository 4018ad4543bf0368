// What every bench command shares: the testbed (a folder and a database server) and the databases on it. Beside it are the load
// (load.ts), the turns of a comparison (rounds.ts), processor time and memory (usage.ts), and tables (report.ts). main.ts and
// growth.ts call it; it starts the database with the launcher.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { connect } from '../../../prisma/connect.ts'
import { migrate } from '../../../prisma/migrate.ts'
import { UserError } from '../../../web/server/errors.ts'
import { bringUpDatabase } from '../../launcher/stack/database.ts'
import { openWorkspace, type Workspace } from '../../launcher/stack/workspace.ts'
import { abortOnSignals, outliveTerminal, saySentences } from '../../lib/terminal.ts'
import { say } from './report.ts'

/** Runs `work` on a new testbed. Ctrl-C, SIGTERM and a closing terminal end it early. The testbed is removed in any case. */
export async function benchCommand(work: (testbed: Testbed) => Promise<void>): Promise<void> {
  outliveTerminal()
  const signal = abortOnSignals(() => {})
  await saySentences(async () => {
    const resources = new AsyncDisposableStack()
    try {
      await work(await createTestbed(resources, signal))
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      await resources.disposeAsync()
    }
  })
}

/** What all contenders share: a folder and one database server */
export type Testbed = {
  workspace: Workspace
  signal: AbortSignal
  /** of an account with all rights */
  databaseUrl: string
  databasePid: number
}

// Not in the system's folder for temporary files: that can be in memory, where no commit is durable.
const folder = join(import.meta.dirname, '..', '..', '..', '.data-bench')

async function createTestbed(resources: AsyncDisposableStack, signal: AbortSignal): Promise<Testbed> {
  const workspace = await openWorkspace({ dataDir: folder, report: say, signal }, resources)
  await rm(workspace.dataDir.database, { recursive: true, force: true }) // of a bench that was killed
  resources.defer(() => rm(folder, { recursive: true, force: true }))
  const { owner: databaseUrl } = await bringUpDatabase({ database: { everything: true } }, workspace)
  await checkDurable(databaseUrl)
  return { workspace, signal, databaseUrl, databasePid: workspace.roster.pidOf('database') }
}

const durability = z.object({ flush: z.number() })

/** @throws UserError unless a commit is on disk before it is answered */
async function checkDurable(databaseUrl: string): Promise<void> {
  const { flush } = await queryRow(
    databaseUrl,
    durability,
    'SELECT @@innodb_flush_log_at_trx_commit AS flush',
  )
  if (flush !== 1) throw new UserError(`innodb_flush_log_at_trx_commit is ${flush}: commits are not durable`)
}

/** Runs one or more statements on a new connection. @returns the rows of the last one, unparsed */
export async function queryDatabase(databaseUrl: string, statement: string): Promise<unknown> {
  const connection = await connect(databaseUrl, 5000)
  try {
    const [rows] = await connection.query(statement)
    return rows
  } finally {
    await connection.end()
  }
}

/** The first row, parsed by `schema`. @throws if there is no row, or it does not fit */
export async function queryRow<T>(databaseUrl: string, schema: z.ZodType<T>, query: string): Promise<T> {
  const rows = z.array(z.unknown()).parse(await queryDatabase(databaseUrl, query))
  return schema.parse(rows[0])
}

/** The tables that a contender counts in: the board's, or the simpler counter and log of its peers */
export type Tables = 'board' | 'peers'

/** The peers’ counter and log: like the board’s, without the columns and the index that only the board needs */
const peerTables = `CREATE TABLE global_counter (
      id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
      value BIGINT UNSIGNED NOT NULL
  ) ENGINE=InnoDB;

  CREATE TABLE access_log (
      id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
      created_at DATETIME(3) NOT NULL,
      client_ip VARCHAR(45) NOT NULL,
      server VARCHAR(63) NOT NULL
  ) ENGINE=InnoDB;

  INSERT INTO global_counter (id, value) VALUES (1, 0);`

/** Creates or replaces the database `name` on the same server, with empty tables. @returns its URL */
export async function makeSchema(databaseUrl: string, name: string, tables: Tables): Promise<string> {
  await queryDatabase(
    databaseUrl,
    `DROP DATABASE IF EXISTS ${name}; CREATE DATABASE ${name} CHARACTER SET ascii`,
  )
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  if (tables === 'board') await migrate(url.href)
  else await queryDatabase(url.href, peerTables)
  return url.href
}

/** Adds rows to the log of a stopped board. */
export async function fillLog(databaseUrl: string, rows: number, signal: AbortSignal): Promise<void> {
  const script = join(import.meta.dirname, 'fill-log.ts')
  const child = spawn(process.execPath, [script, databaseUrl, String(rows)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    signal,
  })
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new Error(`fill-log.ts exited with status ${status}`)
}

/** Reads what a contender has counted */
export type Count = {
  read: () => Promise<number>
  /**
   * The counter, and whether the rest agrees with it: the log rows after number `from`, the log's highest number and, on
   * the board, the servers' hits.
   */
  check: (from: number) => Promise<{ counter: number; consistent: boolean }>
}

const figure = z.coerce.number()
const value = z.object({ counter: figure })
const figures = z.object({ counter: figure, added: figure, highest: figure, server_hits: figure })

export function countIn(databaseUrl: string, tables: Tables): Count {
  const serverHits = tables === 'board' ? '(SELECT COALESCE(SUM(hits), 0) FROM server)' : 'c.value'
  return {
    async read() {
      const query = 'SELECT value AS counter FROM global_counter WHERE id = 1'
      return (await queryRow(databaseUrl, value, query)).counter
    },
    async check(from) {
      const { counter, added, highest, server_hits } = await queryRow(
        databaseUrl,
        figures,
        `SELECT c.value AS counter, (SELECT COUNT(*) FROM access_log WHERE id > ${from}) AS added,
           (SELECT COALESCE(MAX(id), 0) FROM access_log) AS highest, ${serverHits} AS server_hits
         FROM global_counter c WHERE c.id = 1`,
      )
      const consistent = added === counter - from && highest === counter && server_hits === counter
      return { counter, consistent }
    },
  }
}

/**
 * Counts the read queries in this database until the returned function is called, with the server's general log. Queries of
 * connections that also write or lock belong to hits or upkeep and do not count; a transaction that only reads, as the audit's, does
 * not write. Connections that have closed do not count either.
 */
export async function countReads(databaseUrl: string): Promise<() => Promise<number>> {
  await queryDatabase(
    databaseUrl,
    "SET GLOBAL general_log = 0; SET GLOBAL log_output = 'TABLE'; TRUNCATE TABLE mysql.general_log; SET GLOBAL general_log = 1",
  )
  return async () => {
    await queryDatabase(databaseUrl, 'SET GLOBAL general_log = 0')
    return (await queryRow(databaseUrl, logged, readsSql)).count
  }
}

const logged = z.object({ count: z.coerce.number() })

const readsSql = `SELECT COUNT(*) AS count FROM mysql.general_log
  WHERE command_type = 'Query'
    AND argument LIKE 'SELECT%'
    AND thread_id IN (SELECT id FROM information_schema.processlist WHERE db = DATABASE())
    AND thread_id NOT IN (
      SELECT thread_id FROM mysql.general_log
      WHERE command_type = 'Query'
        AND (argument LIKE '%_LOCK(%'
          OR NOT (argument LIKE 'SELECT%' OR argument LIKE 'SET TRANSACTION%' OR argument LIKE '%READ ONLY' OR argument = 'COMMIT'))
    )`

const countTimes = z.array(z.object({ id: z.number(), at: z.number() }))

/** The time of each hit after number `after`, by its number: ms since 1970, on this machine's clock */
export async function readCountTimes(databaseUrl: string, after: number): Promise<Map<number, number>> {
  const rows = await queryDatabase(
    databaseUrl,
    `SELECT id, CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', created_at) DIV 1000 AS UNSIGNED) AS at
     FROM access_log WHERE id > ${after}`,
  )
  return new Map(countTimes.parse(rows).map(({ id, at }) => [id, at]))
}
