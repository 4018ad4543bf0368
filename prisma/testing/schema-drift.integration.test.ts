import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RowDataPacket } from 'mysql2/promise'
import mysql from 'mysql2/promise'
import { databaseTables, schemaTables } from './schema-drift.ts'
import { createTestDatabase } from './test-database.ts'

const stated = schemaTables(await readFile(join(import.meta.dirname, '../schema.prisma'), 'utf8'))

async function openMigrated() {
  const database = await createTestDatabase()
  const connection = await mysql.createConnection(database.url)
  const close = async () => {
    await connection.end()
    await database.drop()
  }
  return { connection, [Symbol.asyncDispose]: close }
}

test('the migrated tables are what the Prisma schema states, column by column and key by key', async () => {
  await using migrated = await openMigrated()
  assert.deepEqual(await databaseTables(migrated.connection), stated)
})

test('every table is transactional, and every text compares byte by byte', async () => {
  await using migrated = await openMigrated()
  const [tables] = await migrated.connection.query<RowDataPacket[]>(
    `SELECT engine AS engine, table_collation AS collation FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_name <> '_prisma_migrations'`,
  )
  assert.equal(tables.length, stated.length)
  for (const { engine, collation } of tables) assert.deepEqual([engine, collation], ['InnoDB', 'ascii_bin'])
})

for (const change of [
  'CREATE TABLE extra (id INT PRIMARY KEY)',
  'DROP TABLE server_minute',
  'ALTER TABLE server ADD COLUMN extra INT NULL',
  'ALTER TABLE server DROP COLUMN rate',
  'ALTER TABLE server MODIFY name VARCHAR(64) NOT NULL',
  'ALTER TABLE server MODIFY name VARCHAR(63) NULL',
  'ALTER TABLE server ALTER COLUMN errors SET DEFAULT 1',
  'ALTER TABLE server MODIFY id INT UNSIGNED NOT NULL',
  'ALTER TABLE access_log DROP INDEX access_log_srv_id_id_idx, ADD INDEX access_log_srv_id_id_idx (id, srv_id)',
  'ALTER TABLE recent_request ADD UNIQUE INDEX extra (id)',
  'ALTER TABLE server_minute DROP PRIMARY KEY, ADD PRIMARY KEY (server_id, minute)',
]) {
  test(`would notice: ${change}`, async () => {
    await using migrated = await openMigrated()
    await migrated.connection.query(change)
    assert.notDeepEqual(await databaseTables(migrated.connection), stated)
  })
}
