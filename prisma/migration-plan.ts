import { type MigrationFile, matchesChecksum } from './migration-files.ts'
import type { MigrationRecord } from './migration-records.ts'
import { MigrationRefused } from './refused.ts'

/** What is still to be applied, in order. Throws MigrationRefused where applying it could do harm. */
export function planMigration(files: MigrationFile[], records: MigrationRecord[]): MigrationFile[] {
  for (const record of records)
    refuseIfUnsafe(
      record,
      files.find(file => file.name === record.name),
    )
  return files.filter(file => !records.some(record => record.name === file.name))
}

/** The command of the stack that this runs in: the image has the built file, and none of npm's scripts. */
const command = import.meta.url.endsWith('.mjs')
  ? 'docker compose run --rm -T migrate node prisma/migrate.mjs'
  : 'npm run migrate --'

/** What a person does after a migration that failed half-way. */
export function howToResolve(name: string): string {
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
