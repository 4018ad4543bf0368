import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromColumn, toColumn } from './server-row.ts'

test('counts by code come back from a server’s row as they were written', () => {
  const codes = { overloaded: 3, outcome_unknown: 1 }
  assert.equal(toColumn(codes), 'overloaded:3,outcome_unknown:1')
  assert.deepEqual(fromColumn(toColumn(codes)), codes)
  assert.deepEqual([fromColumn(toColumn({})), fromColumn(null)], [{}, {}])
})

test('every code of a page view at its highest count has room in the column', () => {
  const codes = ['counter_unavailable', 'outcome_unknown', 'overloaded', 'shutting_down', 'internal_error']
  const most = Object.fromEntries(codes.map(code => [code, 2 ** 32 - 1]))
  assert.ok(toColumn(most).length <= 255)
})
