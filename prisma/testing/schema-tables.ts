import { type ModelBlock, readModels } from './schema-blocks.ts'
import { type Field, readField } from './schema-column.ts'
import type { Table } from './table.ts'

/**
 * The tables a Prisma schema states. The generated client leaves out native types and indexes, so this reads the
 * file itself: the part of the language used here, and it throws on every other.
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

/** Named as Prisma names it when it makes one. */
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
