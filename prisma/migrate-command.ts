import { createReadStream, readFileSync } from 'node:fs'
import { migrate } from './migrate.ts'
import { MigrationRefused } from './refused.ts'
import { resolveMigration, runRepair } from './resolve.ts'
import { restore } from './restore.ts'

const usage =
  'say nothing to migrate, or one of: --run FILE (SQL that puts the tables right, - reads it from the input), ' +
  '--applied NAME, --rolled-back NAME, --restore FILE (a dump, - reads it from the input)'

/** What the command's words ask for. @returns what it did, for the person @throws MigrationRefused, DatabaseUnreachable */
export async function migrateCommand(databaseUrl: string, words: string[]): Promise<string> {
  const [option, value, ...more] = words
  if (option === undefined) {
    const applied = await migrate(databaseUrl)
    return applied.length > 0 ? `migrated: ${applied.join(', ')}` : 'the database is up to date'
  }
  if (value === undefined || more.length > 0) throw new MigrationRefused(usage)
  if (option === '--run') {
    await runRepair(databaseUrl, readFileSync(value === '-' ? 0 : value, 'utf8'))
    return 'done'
  }
  if (option === '--restore') {
    const input = value === '-' ? process.stdin : createReadStream(value)
    const counter = await restore(databaseUrl, input)
    return `restored: the counter is at ${counter}`
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
