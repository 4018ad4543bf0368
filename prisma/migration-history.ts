// Prisma's migration records, in Prisma's format, so that Prisma's own commands work on the same database. The table
// and its rows are as in prisma-engines: flavour/mysql/connector.rs, sql_migration_persistence.rs and
// apply_migrations.rs.
import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { z } from 'zod'
import { UserError } from '../web/server/errors.ts'

/** The database was not migrated, and nothing in it was changed. The message is one sentence. */
export class MigrationRefused extends UserError {
  override readonly name = 'MigrationRefused'
}

/** One folder under migrations/. Its name gives the order, `sql` is its `migration.sql`. */
export type MigrationFile = { name: string; sql: string }

/** All migrations, in the order to apply them. */
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

/** Prisma's checksum: the file's SHA-256 in hex. */
export const checksum = (sql: string) => createHash('sha256').update(sql).digest('hex')

/** Compares as Prisma does: a checkout that changed the line endings did not change the migration. */
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

/** A migration that was started and not rolled back. */
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

/** `records` is null if the database was never migrated. `tables`: how many other tables it has. */
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

/** Records that a migration started. @returns the record's id */
export async function recordStarted(connection: Connection, { name, sql }: MigrationFile): Promise<string> {
  const id = randomUUID()
  await connection.execute(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at)
     VALUES (?, ?, ?, UTC_TIMESTAMP(3))`,
    [id, checksum(sql), name],
  )
  return id
}

/** `steps`: 1 if it was applied here, 0 if a person says that it is applied */
export async function recordFinished(connection: Connection, id: string, steps: 0 | 1 = 1): Promise<void> {
  await connection.execute(
    'UPDATE _prisma_migrations SET applied_steps_count = applied_steps_count + ?, finished_at = UTC_TIMESTAMP(3) WHERE id = ?',
    [steps, id],
  )
}

/** Records that it counts as never applied. */
export async function recordRolledBack(connection: Connection, id: string): Promise<void> {
  await connection.execute('UPDATE _prisma_migrations SET rolled_back_at = UTC_TIMESTAMP(3) WHERE id = ?', [
    id,
  ])
}

/**
 * MySQL cannot roll back changes of tables: a failed migration stays unfinished, with its error, until a person
 * resolves it.
 */
export async function recordFailed(connection: Connection, id: string, logs: string): Promise<void> {
  await connection.execute('UPDATE _prisma_migrations SET logs = ? WHERE id = ?', [logs, id])
}
