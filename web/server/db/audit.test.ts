import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditOf } from './audit.ts'

const figures = { counter: 100, min_id: 1, max_id: 100, purged_through: null, row_count: 100, sum_hits: 100 }

test('counter, highest id, rows and hits that agree are consistent', () => {
  assert.deepEqual(auditOf(figures), {
    counter: 100,
    max_id: 100,
    rows: 100,
    purged: 0,
    sum_hits: 100,
    consistent: true,
  })
})

test('rows that retention removed are reported, and the audit stays consistent', () => {
  const audit = auditOf({ ...figures, min_id: 41, row_count: 60 })
  assert.equal(audit.purged, 40)
  assert.ok(audit.consistent)
})

test('a log that is all purged, or never had a row, is consistent', () => {
  const empty = { min_id: null, max_id: null, row_count: 0 }
  assert.deepEqual(auditOf({ ...empty, counter: 100, purged_through: 100, sum_hits: 100 }), {
    counter: 100,
    max_id: 0,
    rows: 0,
    purged: 100,
    sum_hits: 100,
    consistent: true,
  })
  assert.ok(auditOf({ ...empty, counter: 0, purged_through: null, sum_hits: 0 }).consistent)
})

test('a log that was not emptied by retention is not consistent', () => {
  const empty = { counter: 100, min_id: null, max_id: null, row_count: 0, sum_hits: 100 }
  assert.equal(auditOf({ ...empty, purged_through: 40 }).consistent, false)
})

for (const [what, wrong] of Object.entries({
  'a row missing in the middle': { row_count: 99 },
  'a row too many': { row_count: 101 },
  'the newest row missing': { max_id: 99, row_count: 99 },
  'a row beyond the counter': { max_id: 101, row_count: 101 },
  'a counter ahead of the log': { counter: 101 },
  'hits that a server did not count': { sum_hits: 99 },
  'hits that a server counted twice': { sum_hits: 101 },
})) {
  test(`${what} is not consistent`, () => assert.equal(auditOf({ ...figures, ...wrong }).consistent, false))
}
