import type { Connection } from 'mysql2/promise'
import { type MigrateOptions, migrationsFolder, whileNoOtherMigrates } from './migrate.ts'
import { readMigrations } from './migration-files.ts'
import {
  type MigrationRecord,
  readRecords,
  recordFinished,
  recordRolledBack,
  recordStarted,
} from './migration-records.ts'
import { MigrationRefused } from './refused.ts'

/** What a person found or made of a migration that failed half-way: all of it is done, or none of it. */
export type Resolution = 'applied' | 'rolled-back'

/**
 * Marks a migration that failed half-way, as `prisma migrate resolve` does. After `applied` the next run goes on behind it,
 * after `rolled-back` it runs it again.
 * @throws MigrationRefused with nothing changed, where no migration of that name has failed
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

/** Runs what a person wrote to put the tables right. @throws the database's error */
export async function runRepair(
  databaseUrl: string,
  sql: string,
  options: MigrateOptions = {},
): Promise<void> {
  await whileNoOtherMigrates(databaseUrl, options, async connection => void (await connection.query(sql)))
}
