import { setTimeout as pause } from 'node:timers/promises'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { z } from 'zod'
import { codeOf } from '../web/server/errors.ts'
import { MigrationRefused } from './migration-history.ts'

// The tables of a restore: those that are loaded beside the board's, and those that they have replaced. All are swapped in one
// statement, so every transaction sees either all the old tables or all the new ones.
//
// A restore that may replace no counted page view leaves the new counter out of that statement. Until the counter has its name, the
// board counts nothing. So what the old counter says then is final: either the new counter gets its name, or all is put back.

export const loaded = 'restored_'
export const replaced = 'before_restore_'
const counter = 'global_counter'

/** Tables of a board. */
const boardTables = [
  '_prisma_migrations',
  'access_log',
  counter,
  'lease',
  'log_checkpoint',
  'log_purge',
  'past_hits',
  'recent_request',
  'retention_clock',
  'server',
  'server_bucket',
  'server_event',
  'server_minute',
]

/** Tables that a restore may have in the database while it runs, or leaves if it is killed. No dump of the board needs them. */
export const tablesOfRestore = boardTables.flatMap(name => [loaded + name, replaced + name])

/** Seconds to wait for the tables' locks. All page views wait behind the restore meanwhile. */
const swapWaitSeconds = 1
/** ms between two tries, in which page views are counted */
const swapPauseMs = 2000
/** Maximum tries: 10 minutes, in which readers of the tables, for example a dump, may finish. */
const maxSwaps = 200

type SwapOptions = {
  /** whether counted page views may be replaced */
  replace: boolean
  /** ends the wait for the tables' locks */
  signal: AbortSignal | undefined
}

/**
 * Swaps the board's `tables` and those that were loaded.
 * @throws MigrationRefused if page views are counted that may not be replaced, or others read the tables all the time; the signal's
 * reason. Nothing is changed then
 */
export async function swapTables(
  connection: Connection,
  tables: string[],
  { replace, signal }: SwapOptions,
): Promise<void> {
  const moves = tables.flatMap(name => [
    move(name, replaced + name),
    ...(replace || name !== counter ? [move(loaded + name, name)] : []),
  ])
  await connection.query(`SET SESSION lock_wait_timeout = ${swapWaitSeconds}`)
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    // Page views are counted between two tries.
    if (!replace) refuseCounted(await readCounter(connection, ''))
    try {
      await connection.query(`RENAME TABLE ${moves.join(', ')}`)
      break
    } catch (error) {
      if (codeOf(error) !== 'ER_LOCK_WAIT_TIMEOUT') throw error
      if (attempt === maxSwaps)
        throw new MigrationRefused(
          'others read the tables all the time, for example a dump: end them, then restore',
        )
      await pause(swapPauseMs, undefined, signal && { signal }).catch(() => {})
    }
  }
  if (!replace) refuseCounted(await finishSwap(connection))
}

/**
 * Finishes a swap that left the counter out, also if the restore was killed then. Does nothing if there is none.
 * @returns the counter of the old board: if it is not 0, all is put back
 */
export async function finishSwap(connection: Connection): Promise<number> {
  const names = await tablesNamed(connection, '')
  if (names.includes(counter) || ![loaded, replaced].every(prefix => names.includes(prefix + counter)))
    return 0
  const counted = await readCounter(connection, replaced)
  const old = names.filter(name => name.startsWith(replaced)).map(name => name.slice(replaced.length))
  const moves =
    counted === 0
      ? [move(loaded + counter, counter)]
      : old.flatMap(name => [
          ...(name === counter ? [] : [move(name, loaded + name)]),
          move(replaced + name, name),
        ])
  // Wait for all readers: the board counts nothing until this rename ends.
  await connection.query(`SET SESSION lock_wait_timeout = DEFAULT; RENAME TABLE ${moves.join(', ')}`)
  return counted
}

/** @throws MigrationRefused if there is no counter */
export async function readCounter(connection: Connection, prefix: string): Promise<number> {
  try {
    const [rows] = await connection.query(`SELECT value AS counter FROM ${prefix}${counter} WHERE id = 1`)
    return z.tuple([z.object({ counter: z.coerce.number() })]).parse(rows)[0].counter
  } catch (error) {
    if (codeOf(error) !== 'ER_NO_SUCH_TABLE') throw error
    throw new MigrationRefused('the database has no tables of a board: migrate it first')
  }
}

/** @throws MigrationRefused */
export function refuseCounted(counted: number): void {
  if (counted === 0) return
  throw new MigrationRefused(
    `the board has counted ${counted} page views: a restore would replace them. Back it up, then say --replace if you mean it`,
  )
}

/** All tables whose names begin with `prefix`, in order. */
export async function tablesNamed(connection: Connection, prefix: string): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = DATABASE() AND LEFT(table_name, ?) = ? ORDER BY table_name`,
    [prefix.length, prefix],
  )
  return rows.map(row => z.string().parse(row.name))
}

export async function dropTables(connection: Connection, prefix: string): Promise<void> {
  const tables = await tablesNamed(connection, prefix)
  if (tables.length > 0) await connection.query(`DROP TABLE ${tables.map(quoted).join(', ')}`)
}

const quoted = (name: string) => `\`${name}\``
const move = (from: string, to: string) => `${quoted(from)} TO ${quoted(to)}`
