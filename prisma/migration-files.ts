import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MigrationRefused } from './refused.ts'

/** One folder under migrations/: its name orders it, its `migration.sql` is what it does. */
export type MigrationFile = { name: string; sql: string }

/** All of them, in the order they apply. */
export async function readMigrations(folder: string): Promise<MigrationFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const names = entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
  if (names.length === 0) throw new MigrationRefused(`there are no migrations in ${folder}`)
  return Promise.all(
    names
      .sort()
      .map(async name => ({ name, sql: await readFile(join(folder, name, 'migration.sql'), 'utf8') })),
  )
}

/** As Prisma computes it: the file's SHA-256 in hex. */
export const checksum = (sql: string) => createHash('sha256').update(sql).digest('hex')

/** As Prisma compares it: a checkout that changed the line ends did not change the migration. */
export function matchesChecksum(sql: string, recorded: string): boolean {
  const unix = sql.replaceAll('\r\n', '\n')
  return [sql, unix, unix.replaceAll('\n', '\r\n')].some(text => checksum(text) === recorded)
}
