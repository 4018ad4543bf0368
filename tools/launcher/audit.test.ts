import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditText } from './audit.ts'

test('numbers that agree are an equation', () => {
  const audit = { counter: 12, max_id: 12, rows: 10, purged: 2, sum_hits: 12, consistent: true }
  assert.equal(
    auditText(audit),
    'counter 12 = highest id 12 = rows 10 + purged 2 = hits of all servers 12\n' +
      'consistent: nothing lost, nothing counted twice',
  )
})

test('a number that differs is marked', () => {
  const audit = { counter: 12, max_id: 12, rows: 9, purged: 2, sum_hits: 13, consistent: false }
  assert.equal(
    auditText(audit),
    'counter 12 = highest id 12 ≠ rows 9 + purged 2 ≠ hits of all servers 13\nNOT consistent',
  )
})

test('an empty log has no highest id to agree', () => {
  const audit = { counter: 12, max_id: 0, rows: 0, purged: 12, sum_hits: 12, consistent: true }
  assert.match(auditText(audit), /^counter 12 = rows 0 \+ purged 12 = hits of all servers 12\nconsistent/)
})
