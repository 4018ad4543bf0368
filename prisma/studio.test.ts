import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withColumns } from './studio.ts'

test('columns that came as text become a list, and nothing else changes', () => {
  const table = { schema: 'balance_board', name: 'server', type: 'BASE TABLE' }
  const columns = [{ name: 'id', pk: 1 }]
  const fromMariaDb = JSON.stringify([null, [{ ...table, columns: JSON.stringify(columns) }]])
  const fromMySql = JSON.stringify([null, [{ ...table, columns }]])
  assert.deepEqual(JSON.parse(withColumns(fromMariaDb)), JSON.parse(fromMySql))
  assert.equal(withColumns(fromMySql), fromMySql)
})

test('rows of any other answer keep their digits and texts', () => {
  for (const body of [
    '[null,[{"id":9007199254740993}]]',
    '[null,[{"columns":"[1]"}]]',
    '[{"message":"no"}]',
    '',
  ])
    assert.equal(withColumns(body), body)
})
