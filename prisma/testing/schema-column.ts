import type { Column } from './table.ts'

export type Field = { field: string; column: Column; isKey: boolean }

// Prisma's native types in MySQL's words: https://www.prisma.io/docs/orm/overview/databases/mysql
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

/** Reads `clientIp String @map("client_ip") @db.VarChar(45)`. Throws on what it does not know. */
export function readField(line: string): Field {
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
