// Migrations: brings a database to this code's schema by applying the folders under migrations/ that it does not have yet.
// `npm start`, compose and `npm run migrate` call it before the replicas start; in the image it is prisma/migrate.mjs
// (migrate-main.ts, migrate-command.ts). It keeps Prisma's own records (migration-history.ts). The other modules restore a dump
// (restore.ts, for `npm run restore`) and open Prisma Studio (studio.ts).
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { readDatabaseUrl } from '../web/server/config.ts'
import { reasonOf, UserError } from '../web/server/errors.ts'
import { connect } from './connect.ts'
import {
  createRecords,
  type MigrationFile,
  type MigrationRecord,
  MigrationRefused,
  matchesChecksum,
  readMigrations,
  readRecords,
  recordFailed,
  recordFinished,
  recordStarted,
} from './migration-history.ts'
import { finishSwap } from './swap-tables.ts'

export type MigrateOptions = {
  /** folder of the migrations; default: prisma/migrations */
  migrations?: string
  /** ms to wait for a database that does not answer; default: 60 s */
  patience?: number
  /** ends the wait for the database and for another migration */
  signal?: AbortSignal
}

export const migrationsFolder = join(import.meta.dirname, 'migrations')

/** Seconds to wait while another process migrates. */
const longestMigration = 600

/**
 * Applies pending migrations and returns their names. Throws MigrationRefused or DatabaseUnreachable with nothing changed. If a
 * migration fails half-way, throws a UserError that says which and why.
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const files = await readMigrations(options.migrations ?? migrationsFolder)
  return whileNoOtherMigrates(databaseUrl, options, async connection => {
    const pending = await plan(connection, files)
    for (const file of pending) await apply(connection, file)
    return pending.map(file => file.name)
  })
}

/**
 * Runs `work` on a connection that holds the migration lock. Finishes what a killed restore has left before.
 * @throws MigrationRefused, DatabaseUnreachable, the signal's reason
 */
export async function whileNoOtherMigrates<T>(
  databaseUrl: string,
  { patience = 60_000, signal }: MigrateOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await connect(databaseUrl, patience, signal)
  try {
    await interruptible(databaseUrl, connection, signal, () => takeLock(connection))
    await finishSwap(connection)
    return await work(connection)
  } finally {
    await connection.end() // also releases the lock
  }
}

/** Runs `work` on `connection`. If `signal` aborts meanwhile, ends the statement that runs. @throws the signal's reason then */
export async function interruptible<T>(
  databaseUrl: string,
  connection: Connection,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  let killing: Promise<void> | null = null
  const kill = () => {
    killing = killStatement(databaseUrl, connection.threadId)
  }
  signal?.addEventListener('abort', kill)
  try {
    return await work()
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', kill)
    await killing
    // If no statement was running, this one may be ended instead.
    if (killing) await connection.query('DO 0').catch(() => {})
  }
}

/** Ends the statement of another connection. If the database is away, that statement ends by itself. */
async function killStatement(databaseUrl: string, threadId: number): Promise<void> {
  try {
    const connection = await connect(databaseUrl, 0)
    await connection.query('KILL QUERY ?', [threadId]).finally(() => connection.end())
  } catch {}
}

/**
 * Waits until the database has every migration of this code. It may have more, from newer code. Needs an account that can read,
 * and changes nothing. `onWait` is called each time the reason for the wait changes. Default of `patience`: longestMigration.
 * @throws MigrationRefused with the last reason, the signal's reason
 */
export async function waitForMigrations(
  databaseUrl: string,
  onWait: (reason: string) => void,
  { migrations = migrationsFolder, patience = longestMigration * 1000, signal }: MigrateOptions = {},
): Promise<void> {
  readDatabaseUrl(databaseUrl) // throws if it can never be used
  const files = await readMigrations(migrations)
  const deadline = performance.now() + patience
  for (let last = ''; ; ) {
    const reason = await reasonToWait(databaseUrl, files)
    if (reason === null) return
    if (performance.now() > deadline)
      throw new MigrationRefused(`waited ${Math.round(patience / 1000)} s for the migrations: ${reason}`)
    if (reason !== last) onWait(reason)
    last = reason
    await pause(1000, undefined, { signal }).catch(() => signal?.throwIfAborted())
  }
}

async function reasonToWait(databaseUrl: string, files: MigrationFile[]): Promise<string | null> {
  try {
    const connection = await connect(databaseUrl, 0)
    try {
      const records = (await readRecords(connection)).records ?? []
      const finished = new Set(records.filter(record => record.finished).map(record => record.name))
      const missing = files.map(file => file.name).filter(name => !finished.has(name))
      return missing.length === 0 ? null : `the database does not have ${missing.join(', ')}`
    } finally {
      await connection.end()
    }
  } catch (error) {
    return reasonOf(error)
  }
}

/** Takes the lock of `prisma migrate`, so that the two never run concurrently. */
async function takeLock(connection: Connection): Promise<void> {
  const [rows] = await connection.query<RowDataPacket[]>("SELECT GET_LOCK('prisma_migrate', ?) AS taken", [
    longestMigration,
  ])
  if (rows[0]?.taken !== 1) {
    throw new MigrationRefused(`another migration has been running for ${longestMigration / 60} minutes`)
  }
}

async function plan(connection: Connection, files: MigrationFile[]): Promise<MigrationFile[]> {
  const { records, tables } = await readRecords(connection)
  if (records) return planMigration(files, records)
  if (tables > 0)
    throw new MigrationRefused(`the database has ${tables} tables, and none is from a migration`)
  await createRecords(connection)
  return files
}

async function apply(connection: Connection, file: MigrationFile): Promise<void> {
  const id = await recordStarted(connection, file)
  try {
    await connection.query(file.sql)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    await recordFailed(connection, id, `Migration name: ${file.name}\n\nDatabase error:\n${why}\n`)
    throw new UserError(`migration ${file.name} failed half-way: ${why}; ${howToResolve(file.name)}`, {
      cause: error,
    })
  }
  await recordFinished(connection, id)
}

/** Pending migrations, in order. @throws MigrationRefused if applying them could do harm */
function planMigration(files: MigrationFile[], records: MigrationRecord[]): MigrationFile[] {
  for (const record of records)
    refuseIfUnsafe(
      record,
      files.find(file => file.name === record.name),
    )
  return files.filter(file => !records.some(record => record.name === file.name))
}

/** The command as a person must write it: the image has the built file and no npm scripts. */
const command = import.meta.url.endsWith('.mjs')
  ? 'docker compose run --rm -T migrate node prisma/migrate.mjs'
  : 'npm run migrate --'

/** Instructions after a migration that failed half-way. */
function howToResolve(name: string): string {
  return (
    `put the tables right, with SQL in a file: ${command} --run ${command.startsWith('npm') ? 'FILE' : '- < FILE'}; ` +
    `then mark it, if all of it is done now, with: ${command} --applied ${name}; ` +
    `or, if none of it is, to run it again: ${command} --rolled-back ${name}`
  )
}

function refuseIfUnsafe(
  { name, finished, logs, checksum }: MigrationRecord,
  file: MigrationFile | undefined,
): void {
  if (!finished) {
    throw new MigrationRefused(
      `migration ${name} failed half-way earlier (${logs?.trim() || 'it was cut short'}); ${howToResolve(name)}`,
    )
  }
  if (!file) {
    throw new MigrationRefused(
      `the database is newer than this code: it has migration ${name}, which this code does not know; use newer code`,
    )
  }
  if (!matchesChecksum(file.sql, checksum)) {
    throw new MigrationRefused(
      `the file of migration ${name} was changed after it was applied; restore it and write a new migration instead`,
    )
  }
}
