// Prisma's own bookkeeping, kept as Prisma keeps it, so that both can be used on one database. Table and rows are
// those of prisma-engines: flavour/mysql/connector.rs, sql_migration_persistence.rs and apply_migrations.rs.
import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { z } from 'zod'
import { UserError } from '../web/server/errors.ts'

/** The database was not migrated, and nothing in it was changed; the message is one clear sentence. */
export class MigrationRefused extends UserError {
  override readonly name = 'MigrationRefused'
}

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

const recordRow = z.object({
  id: z.string(),
  name: z.string(),
  checksum: z.string(),
  finished: z.coerce.boolean(),
  logs: z.string().nullable(),
})

/** A migration that was started here and not rolled back since. */
export type MigrationRecord = z.infer<typeof recordRow>

const createTable = `
CREATE TABLE _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             DATETIME(3),
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          DATETIME(3),
    started_at              DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    applied_steps_count     INTEGER UNSIGNED NOT NULL DEFAULT 0
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`

/** Null = this database was never migrated. `tables` says how many others it has. */
export async function readRecords(
  connection: Connection,
): Promise<{ records: MigrationRecord[] | null; tables: number }> {
  const [found] = await connection.query<RowDataPacket[]>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
  )
  const names = found.map(row => z.string().parse(row.name))
  if (!names.includes('_prisma_migrations')) return { records: null, tables: names.length }
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, migration_name AS name, checksum, finished_at IS NOT NULL AS finished, logs
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at, migration_name`,
  )
  return { records: recordRow.array().parse(rows), tables: names.length - 1 }
}

export async function createRecords(connection: Connection): Promise<void> {
  await connection.query(createTable)
}

/** Records that it started, and returns the record's id. */
export async function recordStarted(connection: Connection, { name, sql }: MigrationFile): Promise<string> {
  const id = randomUUID()
  await connection.execute(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at)
     VALUES (?, ?, ?, UTC_TIMESTAMP(3))`,
    [id, checksum(sql), name],
  )
  return id
}

/** `steps`: 1 = it was applied here, 0 = a person says that it is applied */
export async function recordFinished(connection: Connection, id: string, steps: 0 | 1 = 1): Promise<void> {
  await connection.execute(
    'UPDATE _prisma_migrations SET applied_steps_count = applied_steps_count + ?, finished_at = UTC_TIMESTAMP(3) WHERE id = ?',
    [steps, id],
  )
}

/** It counts as never applied from now on. */
export async function recordRolledBack(connection: Connection, id: string): Promise<void> {
  await connection.execute('UPDATE _prisma_migrations SET rolled_back_at = UTC_TIMESTAMP(3) WHERE id = ?', [
    id,
  ])
}

/** MySQL cannot roll tables back, so a failed migration stays unfinished, with its error, until a person has looked. */
export async function recordFailed(connection: Connection, id: string, logs: string): Promise<void> {
  await connection.execute('UPDATE _prisma_migrations SET logs = ? WHERE id = ?', [logs, id])
}
