import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import mysql, { type RowDataPacket } from 'mysql2/promise'
import { openPrismaClient } from './prisma-client.ts'
import { databaseTables, schemaTables } from './schema-drift.ts'
import { createTestDatabase } from './test-database.ts'

const model = (...lines: string[]) => ['model Thing {', ...lines, '}'].join('\n')

test('reads names, types, nulls, defaults and keys', () => {
  const schema = model(
    'id Int @id @default(autoincrement()) @db.UnsignedInt // a comment',
    '/// another',
    'isOld Boolean @default(true) @map("is_old")',
    'at DateTime? @db.DateTime(0)',
    '@@index([isOld, id])',
    '@@map("thing")',
  )
  const plain = { nullable: false, default: null, autoIncrement: false }
  assert.deepEqual(schemaTables(schema), [
    {
      name: 'thing',
      columns: [
        { ...plain, name: 'id', type: 'int unsigned', autoIncrement: true },
        { ...plain, name: 'is_old', type: 'tinyint(1)', default: '1' },
        { ...plain, name: 'at', type: 'datetime', nullable: true },
      ],
      primaryKey: ['id'],
      indexes: [{ name: 'thing_is_old_id_idx', unique: false, columns: ['is_old', 'id'] }],
    },
  ])
})

for (const [what, schema] of [
  ['an enum', 'enum Colour {\n RED\n}'],
  ['a field without a native type', model('id Int @id')],
  ['a native type it does not know', model('id Decimal @id @db.Decimal')],
  ['an attribute it does not know', model('id Int @id @db.UnsignedInt @unique')],
  ['a default it cannot read', model('at DateTime @default(now()) @db.DateTime(3)')],
  ['a list', model('ids Int[] @db.UnsignedInt')],
  ['a block attribute it does not know', model('id Int @id @db.UnsignedInt', '@@index([id(sort: Desc)])')],
  ['an index over an unknown field', model('id Int @id @db.UnsignedInt', '@@index([other])')],
  ['a line outside a block', 'id Int'],
] as const) {
  test(`fails loudly on ${what}`, () => {
    assert.throws(() => schemaTables(schema), /Prisma schema/)
  })
}

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

const hex = (digit: string) => digit.repeat(32)

test('Prisma Client reads every table as plain SQL wrote them', async () => {
  await using database = await createTestDatabase()
  const writer = await mysql.createConnection({ uri: database.url, multipleStatements: true })
  await writer.query(`
    UPDATE global_counter SET value = 1;
    INSERT INTO access_log (id, created_at, client_ip, srv_id, server_id, cookie_srv_id, request_id) VALUES
      (1, '2026-11-22 12:04:31.203', '203.0.113.9', '${hex('a')}', 1, NULL, '${hex('b')}');
    INSERT INTO recent_request VALUES ('${hex('b')}', 1);
    INSERT INTO server (srv_id, name, address, hits, started_at, last_seen_at, draining, p50_ms)
      VALUES ('${hex('a')}', 'web-1', '127.0.0.1:3000', 1, '2026-11-22 12:00:00', '2026-11-22 12:04:31.5', 1, 0.25);
    INSERT INTO server_minute VALUES ('2026-11-22 12:04:00', 1, 18446744073709551615);
    INSERT INTO server_bucket VALUES ('2026-11-22 12:04:35', 1, 2);
    INSERT INTO server_event VALUES ('2026-11-22 12:04:31.203', 1, 'lost', NULL, NULL);
    INSERT INTO lease VALUES ('retention', '', '2026-11-22 12:04:31.203');
    INSERT INTO log_checkpoint VALUES (5000, 4999, '2026-11-22 12:04:31.203');
    INSERT INTO log_purge VALUES (1, 18446744073709551615);
    INSERT INTO past_hits VALUES (1000, 7, '2026-11-22 12:04:31.203');
    INSERT INTO retention_clock VALUES (1, '2026-11-22 12:04:31.203')`)
  await writer.end()

  const client = openPrismaClient(database.url)
  try {
    const [buckets, events] = await Promise.all([
      client.serverBucket.findMany(),
      client.serverEvent.findMany(),
    ])
    assert.deepEqual(buckets, [{ start: new Date('2026-11-22T12:04:35Z'), serverId: 1, hits: 2n }])
    assert.deepEqual(events, [
      { at: new Date('2026-11-22T12:04:31.203Z'), serverId: 1, type: 'lost', untilAt: null, clientIp: null },
    ])
    const [counters, log, recent, servers, minutes, checkpoints, purges, clocks, past] = await Promise.all([
      client.globalCounter.findMany(),
      client.accessLog.findMany(),
      client.recentRequest.findMany(),
      client.server.findMany(),
      client.serverMinute.findMany(),
      client.logCheckpoint.findMany(),
      client.logPurge.findMany(),
      client.retentionClock.findMany(),
      client.pastHits.findMany(),
    ])
    assert.deepEqual(counters, [{ id: 1, value: 1n }])
    assert.deepEqual(log, [
      {
        id: 1n,
        createdAt: new Date('2026-11-22T12:04:31.203Z'),
        clientIp: '203.0.113.9',
        srvId: hex('a'),
        serverId: 1,
        cookieSrvId: null,
        requestId: hex('b'),
      },
    ])
    assert.deepEqual(recent, [{ requestId: hex('b'), id: 1n }])
    assert.partialDeepStrictEqual(servers, [
      { id: 1, name: 'web-1', hits: 1n, draining: true, p50Ms: 0.25, p99Ms: null, readyAt: null },
    ])
    assert.deepEqual(minutes, [
      { minute: new Date('2026-11-22T12:04:00Z'), serverId: 1, hits: 18446744073709551615n },
    ])
    assert.deepEqual(checkpoints, [
      { lastId: 5000n, found: 4999, countedAt: new Date('2026-11-22T12:04:31.203Z') },
    ])
    assert.deepEqual(purges, [{ id: 1, throughId: 18446744073709551615n }])
    assert.deepEqual(await client.lease.findMany(), [
      { name: 'retention', owner: '', untilAt: new Date('2026-11-22T12:04:31.203Z') },
    ])
    assert.deepEqual(past, [{ firstId: 1000, hits: 7n, countedAt: new Date('2026-11-22T12:04:31.203Z') }])
    assert.deepEqual(clocks, [{ id: 1, believedAt: new Date('2026-11-22T12:04:31.203Z') }])
  } finally {
    await client.$disconnect()
  }
})
