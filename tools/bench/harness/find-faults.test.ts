import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeRun as run } from './fake-run.ts'
import { findFaults } from './find-faults.ts'
import { summarise } from './summary.ts'

test('a comparison in which all answered and counted has no fault, a few errors aside', () => {
  const file = summarise('static_file', [run(9, { exact: null })])
  assert.deepEqual(findFaults([summarise('board', [run(9, { errors: 2 })]), file]), [])
})

test('a contender that only answered errors, and one that lost a page view, are named', () => {
  const broken = summarise('flask', [run(9, { errors: 9 })])
  const inexact = summarise('limit', [run(9), run(9, { exact: false })])
  assert.deepEqual(findFaults([broken, inexact]), [
    'flask answered no page view',
    'limit did not count every page view once',
  ])
})
