import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { z } from 'zod'
import { openPrismaClient } from './testing/prisma-client.ts'
import { createTestDatabase } from './testing/test-database.ts'

/** A table in MySQL's terms, as read from the Prisma schema or from the database. */
type Table = {
  name: string
  columns: Column[]
  /** columns of the primary key, in order */
  primaryKey: string[]
  indexes: Index[]
}

type Column = {
  name: string
  /** "bigint unsigned", "varchar(45)", "datetime(3)" */
  type: string
  nullable: boolean
  default: string | null
  autoIncrement: boolean
}

type Index = { name: string; unique: boolean; columns: string[] }

/**
 * The tables that a Prisma schema declares. The generated client lacks native types and indexes, so this parses the file. It
 * supports the parts of the language that the schema uses, and throws on everything else.
 */
function schemaTables(schema: string): Table[] {
  return readModels(schema)
    .map(readModel)
    .sort((a, b) => a.name.localeCompare(b.name))
}

function readModel({ model, lines }: ModelBlock): Table {
  const fields = lines.filter(line => !line.startsWith('@@')).map(readField)
  const attributes = lines.filter(line => line.startsWith('@@')).map(readAttribute)
  const name = attributes.find(({ kind }) => kind === 'map')?.value ?? model
  const columnsOf = (list: string) => list.split(',').map(field => columnOf(fields, field.trim()))
  const keys = attributes.filter(({ kind }) => kind === 'id').map(({ value }) => columnsOf(value))
  return {
    name,
    columns: fields.map(({ column }) => column),
    primaryKey: keys[0] ?? fields.filter(({ isKey }) => isKey).map(({ column }) => column.name),
    indexes: attributes
      .filter(({ kind }) => kind === 'index' || kind === 'unique')
      .map(({ kind, value }) => indexOf(name, kind, columnsOf(value)))
      .sort((a, b) => a.name.localeCompare(b.name)),
  }
}

/** The index's default name in Prisma. */
function indexOf(table: string, kind: string, columns: string[]) {
  const unique = kind === 'unique'
  return { name: [table, ...columns, unique ? 'key' : 'idx'].join('_'), unique, columns }
}

function readAttribute(line: string): { kind: string; value: string } {
  const [, kind, list, quoted] = /^@@(?:(id|index|unique)\(\[([\w, ]+)\]\)|map\("(\w+)"\))$/.exec(line) ?? []
  if (kind && list) return { kind, value: list }
  if (quoted) return { kind: 'map', value: quoted }
  throw new Error(`cannot read "${line}" of the Prisma schema`)
}

function columnOf(fields: Field[], name: string): string {
  const found = fields.find(({ field }) => field === name)
  if (!found) throw new Error(`the Prisma schema names a field "${name}" that its model does not have`)
  return found.column.name
}

/** A `model` of a Prisma schema: its lines without comments. */
type ModelBlock = { model: string; lines: string[] }

/** The models of a schema. @throws on any other block that could declare a table */
function readModels(schema: string): ModelBlock[] {
  const models: ModelBlock[] = []
  let open: ModelBlock | null = null
  for (const line of schema.split('\n').map(text => text.replace(/\/\/.*/, '').trim())) {
    const block = /^(\w+) (\w+) \{$/.exec(line)
    if (block) open = openBlock(block[1], block[2])
    else if (line === '}') {
      if (open?.model) models.push(open)
      open = null
    } else if (line) {
      if (!open) throw new Error(`cannot read the line "${line}" of the Prisma schema`)
      open.lines.push(line)
    }
  }
  return models
}

function openBlock(kind = '', name = ''): ModelBlock {
  if (kind === 'model') return { model: name, lines: [] }
  if (kind === 'generator' || kind === 'datasource') return { model: '', lines: [] }
  throw new Error(`cannot read a "${kind}" of the Prisma schema`)
}

type Field = { field: string; column: Column; isKey: boolean }

// Prisma's native types as MySQL types: https://www.prisma.io/docs/orm/overview/databases/mysql
const nativeTypes: Record<string, string> = {
  UnsignedTinyInt: 'tinyint unsigned',
  UnsignedInt: 'int unsigned',
  UnsignedBigInt: 'bigint unsigned',
  Double: 'double',
  Char: 'char',
  VarChar: 'varchar',
  DateTime: 'datetime',
}

const attribute = /@(?:id|default\((?:autoincrement\(\)|[^()]*)\)|map\("\w+"\)|db\.\w+(?:\(\d+\))?)(?=\s|$)/g

/** Parses `clientIp String @map("client_ip") @db.VarChar(45)`. @throws on anything unknown */
function readField(line: string): Field {
  const [, field, type, optional, rest = ''] = /^(\w+)\s+(\w+)(\?)?(?:\s+(.*))?$/.exec(line) ?? []
  if (!field || !type || rest.replace(attribute, '').trim()) {
    throw new Error(`cannot read the field "${line}" of the Prisma schema`)
  }
  const preset = /@default\((.*?\)?)\)(?=\s|$)/.exec(rest)?.[1]
  const autoIncrement = preset === 'autoincrement()'
  return {
    field,
    isKey: /@id\b/.test(rest),
    column: {
      name: /@map\("(\w+)"\)/.exec(rest)?.[1] ?? field,
      type: columnType(line, type, /@db\.(\w+)(?:\((\d+)\))?/.exec(rest)),
      nullable: optional === '?',
      default: preset === undefined || autoIncrement ? null : literal(line, preset),
      autoIncrement,
    },
  }
}

function columnType(line: string, type: string, native: RegExpExecArray | null): string {
  if (type === 'Boolean' && !native) return 'tinyint(1)'
  const name = nativeTypes[native?.[1] ?? '']
  if (!name) throw new Error(`the field "${line}" of the Prisma schema has no native type known here`)
  const length = native?.[2]
  return length === undefined || (name === 'datetime' && length === '0') ? name : `${name}(${length})`
}

function literal(line: string, preset: string): string {
  if (preset === 'false') return '0'
  if (preset === 'true') return '1'
  if (/^\d+$/.test(preset)) return preset
  throw new Error(`cannot read the default of the field "${line}" of the Prisma schema`)
}

const columnRow = z.object({
  table: z.string(),
  name: z.string(),
  type: z.string(),
  nullable: z.enum(['YES', 'NO']),
  preset: z.string().nullable(),
  extra: z.string(),
})
const indexRow = z.object({
  table: z.string(),
  name: z.string(),
  repeats: z.coerce.boolean(),
  column: z.string(),
})
type IndexRow = z.infer<typeof indexRow>

/** The tables of a database, without Prisma's migration records. */
async function databaseTables(connection: Connection): Promise<Table[]> {
  const [columnRows] = await connection.query<RowDataPacket[]>(
    `SELECT table_name AS \`table\`, column_name AS name, column_type AS type, is_nullable AS nullable,
       column_default AS preset, extra AS extra
     FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> '_prisma_migrations'
     ORDER BY table_name, ordinal_position`,
  )
  const [indexRows] = await connection.query<RowDataPacket[]>(
    `SELECT table_name AS \`table\`, index_name AS name, non_unique AS repeats, column_name AS \`column\`
     FROM information_schema.statistics WHERE table_schema = DATABASE()
     ORDER BY table_name, index_name, seq_in_index`,
  )
  const columns = Map.groupBy(columnRow.array().parse(columnRows), row => row.table)
  const indexes = Map.groupBy(indexRow.array().parse(indexRows), row => row.table)
  return [...columns]
    .map(([name, rows]) => ({ name, columns: rows.map(toColumn), ...toKeys(indexes.get(name) ?? []) }))
    .sort((a, b) => a.name.localeCompare(b.name))
}

function toColumn(row: z.infer<typeof columnRow>) {
  return {
    name: row.name,
    type: plainType(row.type),
    nullable: row.nullable === 'YES',
    // For a nullable column without a default MariaDB returns the text NULL, MySQL a null.
    default: row.preset === 'NULL' ? null : row.preset,
    autoIncrement: row.extra === 'auto_increment',
  }
}

/**
 * Drops the display width that MariaDB still reports, as in "bigint(20) unsigned". Only in tinyint(1), a boolean, it
 * matters.
 */
function plainType(type: string): string {
  return type === 'tinyint(1)' ? type : type.replace(/^(tinyint|int|bigint)\(\d+\)/, '$1')
}

function toKeys(rows: IndexRow[]): Pick<Table, 'primaryKey' | 'indexes'> {
  const groups = [...Map.groupBy(rows, row => row.name)]
  const columnsOf = (parts: IndexRow[]) => parts.map(part => part.column)
  return {
    primaryKey: groups.filter(([name]) => name === 'PRIMARY').flatMap(([, parts]) => columnsOf(parts)),
    indexes: groups
      .filter(([name]) => name !== 'PRIMARY')
      .map(([name, parts]) => ({ name, unique: !parts[0]?.repeats, columns: columnsOf(parts) }))
      .sort((a, b) => a.name.localeCompare(b.name)),
  }
}

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

const stated = schemaTables(await readFile(join(import.meta.dirname, 'schema.prisma'), 'utf8'))

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
