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
import { closePools, openPools } from '../../../web/server/db/pools.ts'
import { onConnection } from '../../../web/server/db/query.ts'
import { UserError } from '../../../web/server/errors.ts'
import { countLog } from '../../../web/server/retention/retention.ts'
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

/**
 * Adds rows to the log of a stopped board, with their checkpoints, which servers of a board with so long a log have long written:
 * else its servers would write them during the measurement, for a quarter of a minute with ten million rows.
 */
export async function fillLog(databaseUrl: string, rows: number, signal: AbortSignal): Promise<void> {
  const script = join(import.meta.dirname, 'fill-log.ts')
  const child = spawn(process.execPath, [script, databaseUrl, String(rows)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    signal,
  })
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new Error(`fill-log.ts exited with status ${status}`)
  const pools = openPools(databaseUrl)
  try {
    await onConnection(pools.upkeep, connection => countLog(connection, signal))
  } finally {
    await closePools(pools)
  }
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
 * Counts the queries of this database's connections that only read, until the returned function is called, with the server's general
 * log. Queries of connections that also write belong to hits or upkeep and do not count. A connection counts from its first query on,
 * also if it opens or closes meanwhile, and whatever else it sends: settings, or a transaction that only reads, as the audit's.
 * The returned function throws if the log has no such query or no write. A server makes both all the time, so then
 * nothing was measured.
 */
export async function countReads(databaseUrl: string): Promise<() => Promise<number>> {
  const connection = await connect(databaseUrl, 5000)
  await connection.query(
    "SET GLOBAL general_log = 0; SET GLOBAL log_output = 'TABLE'; TRUNCATE TABLE mysql.general_log; SET GLOBAL general_log = 1",
  )
  // Later connections are in the log.
  const [open] = await connection.query(
    'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()',
  )
  await connection.end()
  const earlier = openConnections.parse(open).map(({ id }) => id)
  return async () => {
    await queryDatabase(databaseUrl, 'SET GLOBAL general_log = 0')
    const entries = logEntries.parse(await queryDatabase(databaseUrl, logSql))
    const { reads, writes } = readsAndWrites(entries, new URL(databaseUrl).pathname.slice(1), earlier)
    if (reads === 0 || writes === 0)
      throw new Error(
        `the log of statements has ${reads} reads and ${writes} writes of this database, among ${entries.length} entries: it cannot tell how many queries there were`,
      )
    return reads
  }
}

const openConnections = z.array(z.object({ id: z.number() }))

const logSql = `SELECT thread_id AS connection, command_type AS type, CONVERT(LEFT(argument, 200) USING utf8mb4) AS text
  FROM mysql.general_log`
const logEntries = z.array(z.object({ connection: z.number(), type: z.string(), text: z.string() }))

// Lists what writes, not what reads: an unforeseen statement must not hide a connection's reads.
const isWrite = /^(INSERT|UPDATE|DELETE|REPLACE)\b|^START TRANSACTION(?!.*READ ONLY$)/

/** @param earlier connections to the database that were open when the log began */
function readsAndWrites(entries: z.output<typeof logEntries>, database: string, earlier: number[]) {
  const opened = entries.filter(
    ({ type, text }) => type === 'Connect' && text.includes(` on ${database} using `),
  )
  const connections = new Set([...earlier, ...opened.map(({ connection }) => connection)])
  const queries = entries.filter(({ type, connection }) => type === 'Query' && connections.has(connection))
  const writes = queries.filter(({ text }) => isWrite.test(text))
  const writing = new Set(writes.map(({ connection }) => connection))
  const reads = queries.filter(
    ({ connection, text }) => !writing.has(connection) && text.startsWith('SELECT'),
  )
  return { reads: reads.length, writes: writes.length }
}

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
