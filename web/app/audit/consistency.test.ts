import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Snapshot } from '../../shared/api.ts'
import { sampleServerRow } from '../../testing/samples.ts'
import { addsUp, auditTerms } from './consistency.ts'

const at = '2026-11-22T12:00:00.000Z'

function snapshot(counter: number, hits: number[], earlier: number): Snapshot {
  const servers = hits.map(count => sampleServerRow({ hits: count }))
  return { counter, at, servers, earlier_hits: earlier, log: [] }
}

test('a snapshot adds up if the hits of current and earlier servers equal the counter', () => {
  assert.equal(addsUp(snapshot(0, [], 0)), true)
  assert.equal(addsUp(snapshot(10, [3, 5], 2)), true)
  assert.equal(addsUp(snapshot(10, [3, 5], 1)), false)
})

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
