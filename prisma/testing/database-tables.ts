import type { Connection, RowDataPacket } from 'mysql2/promise'
import { z } from 'zod'
import type { Table } from './table.ts'

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

/** The tables a database really has, but for Prisma's own bookkeeping. */
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
    // MariaDB spells "no default" of a nullable column as the word, MySQL as a null.
    default: row.preset === 'NULL' ? null : row.preset,
    autoIncrement: row.extra === 'auto_increment',
  }
}

/** MariaDB still tells a display width, "bigint(20) unsigned"; it means nothing but in tinyint(1), a boolean. */
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
