import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsWell, summaryOf } from './outcome.ts'

test('a run ends well when no promise was broken, whatever could not be tried', () => {
  assert.ok(endsWell(['kept', 'not tried'], false))
  assert.ok(!endsWell(['kept', 'broken', 'not tried'], false))
})

test('a broken build is found only when every fault that should find it was tried and did', () => {
  assert.ok(endsWell(['broken', 'broken'], true))
  assert.ok(!endsWell(['broken', 'kept'], true))
  assert.ok(!endsWell(['broken', 'not tried'], true))
  assert.ok(!endsWell(['not tried'], true))
  assert.ok(!endsWell([], true))
})

test('the last line says what was not tried, and never that promises were kept that were not looked at', () => {
  assert.equal(summaryOf(['kept', 'kept'], 12.3), '2 faults in 12 s: every promise was kept')
  assert.equal(summaryOf(['kept', 'not tried'], 5), '1 faults in 5 s: every promise was kept; 1 not tried')
  assert.equal(summaryOf(['broken', 'kept'], 5), '2 faults in 5 s: 1 broke a promise')
  assert.equal(summaryOf(['not tried'], 5), 'no fault was tried; 1 not tried')
})
