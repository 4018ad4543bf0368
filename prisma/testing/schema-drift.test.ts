import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemaTables } from './schema-drift.ts'

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
