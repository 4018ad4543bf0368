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

function refuseIfUnsafe(
  { name, finished, logs, checksum }: MigrationRecord,
  file: MigrationFile | undefined,
): void {
  if (!finished) {
    throw new MigrationRefused(
      `migration ${name} failed half-way earlier (${logs?.trim() || 'it was cut short'}); put the tables right by hand, ` +
        `then mark it with: prisma migrate resolve --applied ${name} (or --rolled-back ${name} to run it again)`,
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
