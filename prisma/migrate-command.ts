import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Connection } from 'mysql2/promise'
import { UserError } from '../web/server/errors.ts'
import {
  type MigrateOptions,
  migrate,
  migrationsFolder,
  waitForMigrations,
  whileNoOtherMigrates,
} from './migrate.ts'
import {
  type MigrationRecord,
  MigrationRefused,
  readMigrations,
  readRecords,
  recordFinished,
  recordRolledBack,
  recordStarted,
} from './migration-history.ts'
import { openDump, type RestoreOptions, restore } from './restore.ts'

const usage =
  'say nothing to migrate, or one of: --wait (until another process has migrated), ' +
  '--run FILE (SQL that puts the tables right, - reads it from the input), ' +
  '--applied NAME, --rolled-back NAME, --restore FILE [--replace] (a dump, - reads it from the input)'

/** Runs the command with these words. @returns what it did, for the person @throws MigrationRefused, DatabaseUnreachable */
export async function migrateCommand(databaseUrl: string, words: string[]): Promise<string> {
  const [option, value, ...more] = words
  if (option === undefined) {
    const applied = await migrate(databaseUrl)
    return applied.length > 0 ? `migrated: ${applied.join(', ')}` : 'the database is up to date'
  }
  if (option === '--wait' && value === undefined) {
    const sayWhy = (reason: string) => console.log(`waiting for the migrations: ${reason}`)
    await waitForMigrations(databaseUrl, sayWhy, { signal: abortedBySignals() })
    return 'the database has the migrations of this version'
  }
  if (value === undefined) throw new MigrationRefused(usage)
  if (option === '--restore' && ['', '--replace'].includes(more.join(' '))) {
    const input = value === '-' ? process.stdin : await openDump(value)
    return restoreText(databaseUrl, input, { replace: more.length > 0, signal: abortedBySignals() })
  }
  if (more.length > 0) throw new MigrationRefused(usage)
  if (option === '--run') {
    await runRepair(databaseUrl, readFileSync(value === '-' ? 0 : value, 'utf8'))
    return 'done'
  }
  if (option === '--applied') {
    await resolveMigration(databaseUrl, value, 'applied')
    return `${value} is marked as applied`
  }
  if (option === '--rolled-back') {
    await resolveMigration(databaseUrl, value, 'rolled-back')
    return `${value} is marked as rolled back: the next migration runs it again`
  }
  throw new MigrationRefused(usage)
}

/** Aborted when this process is to end: a restore first removes what it has loaded, and a wait ends also as a container's first process. */
function abortedBySignals(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => stop.abort(new UserError(`ended early, by ${name}`)))
  return stop.signal
}

/**
 * Restores a dump.
 * @returns what it did, for the person
 * @throws MigrationRefused, DatabaseUnreachable, the signal's reason
 */
export async function restoreText(
  databaseUrl: string,
  dump: Readable,
  options: RestoreOptions,
): Promise<string> {
  const { counter, rows, replacedCounter } = await restore(databaseUrl, dump, options)
  const text = `restored: the counter is at ${counter}, the log has ${rows} rows`
  if (replacedCounter === 0) return text
  const replaced = `${text}. The replaced board had counted ${replacedCounter} page views`
  if (replacedCounter <= counter) return replaced
  return `${replaced}: its numbers from ${counter + 1} on are lost, and other page views will get them`
}

/** What a person says about a migration that failed half-way: all of it is applied now, or none of it. */
type Resolution = 'applied' | 'rolled-back'

/**
 * Resolves a migration that failed half-way, as `prisma migrate resolve` does. After `applied` the next run continues with the
 * migrations after it, after `rolled-back` it runs it again.
 * @throws MigrationRefused if no migration of that name has failed; nothing is changed then
 */
export async function resolveMigration(
  databaseUrl: string,
  name: string,
  resolution: Resolution,
  options: MigrateOptions = {},
): Promise<void> {
  const files = await readMigrations(options.migrations ?? migrationsFolder)
  await whileNoOtherMigrates(databaseUrl, options, async connection => {
    const failed = await findFailed(connection, name)
    const file = files.find(each => each.name === name)
    if (resolution === 'applied' && !file)
      throw new MigrationRefused(`this code has no migration ${name}: mark it with the code that has it`)
    await recordRolledBack(connection, failed.id)
    if (resolution === 'applied' && file)
      await recordFinished(connection, await recordStarted(connection, file), 0)
  })
}

async function findFailed(connection: Connection, name: string): Promise<MigrationRecord> {
  const records = (await readRecords(connection)).records ?? []
  const record = records.find(each => each.name === name)
  if (record && !record.finished) return record
  const failed = records.filter(each => !each.finished).map(each => each.name)
  const others = failed.length > 0 ? `; what failed is ${failed.join(', ')}` : '; none has'
  throw new MigrationRefused(
    record
      ? `migration ${name} did not fail: it is applied${others}`
      : `migration ${name} did not fail here${others}`,
  )
}

/** Runs SQL that a person wrote to repair the tables. @throws the database's error */
export async function runRepair(
  databaseUrl: string,
  sql: string,
  options: MigrateOptions = {},
): Promise<void> {
  await whileNoOtherMigrates(databaseUrl, options, async connection => void (await connection.query(sql)))
}
