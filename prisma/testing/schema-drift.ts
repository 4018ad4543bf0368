import type { Connection, RowDataPacket } from 'mysql2/promise'
import { z } from 'zod'

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
export function schemaTables(schema: string): Table[] {
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
export async function databaseTables(connection: Connection): Promise<Table[]> {
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
