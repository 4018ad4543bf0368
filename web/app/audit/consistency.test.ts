import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditTerms } from './consistency.ts'

test('every figure is compared with the counter, rows together with removed rows', () => {
  const audit = { counter: 10, max_id: 10, rows: 7, purged: 3, sum_hits: 9, consistent: false }
  assert.deepEqual(
    auditTerms(audit).map(({ value, equal }) => [value, equal]),
    [
      [10, true],
      [10, true],
      [10, true],
      [9, false],
    ],
  )
})

test('an emptied log has no highest number', () => {
  const audit = { counter: 10, max_id: 0, rows: 0, purged: 10, sum_hits: 10, consistent: true }
  assert.equal(auditTerms(audit).length, 3)
  assert.ok(auditTerms(audit).every(({ equal }) => equal))
})
