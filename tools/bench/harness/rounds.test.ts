import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findFaults, isExact, median, type Run, ratiosOf, summarise } from './rounds.ts'

/** A successful run */
const run = (rate: number, more: Partial<Run> = {}): Run => ({
  rate,
  answers: rate,
  p50Ms: 1,
  p99Ms: 2,
  errors: 0,
  bytesEach: 100,
  cores: { servers: 1, nginx: 0.2, database: 0.3 },
  bytes: 1e8,
  exact: true,
  ...more,
})

const counted = { from: 100, counter: 1100, consistent: true }
const seen = { answers: 1000, errors: 0 }

test('a count equal to the answers, or above them by what was in flight at the end, is exact', () => {
  assert.ok(isExact(counted, seen, 64))
  assert.ok(isExact({ ...counted, counter: 1164 }, seen, 64))
})

test('a count that misses one answer is not exact', () => {
  assert.ok(!isExact({ ...counted, counter: 1099 }, seen, 64))
})

test('a count above the answers and all connections is not exact', () => {
  assert.ok(!isExact({ ...counted, counter: 1165 }, seen, 64))
})

test('a failed page view may be counted or not', () => {
  assert.ok(isExact({ ...counted, counter: 1090 }, { answers: 1000, errors: 10 }, 64))
  assert.ok(isExact({ ...counted, counter: 1110 }, { answers: 1000, errors: 10 }, 0))
})

test('a log that differs from the counter is not exact', () => {
  assert.ok(!isExact({ ...counted, consistent: false }, seen, 64))
})

test('rates have a median, a lowest and a highest, and errors of all rounds add up', () => {
  const { page_views_per_second, errors } = summarise('board', [
    run(30, { errors: 1 }),
    run(10),
    run(20, { errors: 2 }),
  ])
  assert.deepEqual(page_views_per_second, { median: 20, lowest: 10, highest: 30 })
  assert.equal(errors, 3)
})

test('one inexact round makes the summary inexact, and an entry that counts nothing is neither', () => {
  assert.equal(summarise('board', [run(1), run(1, { exact: false })]).exact, false)
  assert.equal(summarise('board', [run(1), run(1)]).exact, true)
  assert.equal(summarise('static_file', [run(1, { exact: null })]).exact, null)
})

test("ratios divide the board's rate by another's", () => {
  const summaries = [
    summarise('board', [run(4000)]),
    summarise('flask', [run(500)]),
    summarise('naive_next', [run(100)]),
    summarise('limit', [run(5000)]),
  ]
  assert.deepEqual(ratiosOf(summaries), { flask_seed: 8, naive_next: 40, limit: 0.8 })
})

test('a ratio to an entry that was not measured is refused', () => {
  assert.throws(() => ratiosOf([summarise('board', [run(1)])]), /was not measured/)
})

test('a comparison in which all answered and counted is valid, also with a few errors', () => {
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

test('the median of an odd number of values is the middle one, in any order', () => {
  assert.equal(median([9, 1, 100]), 9)
  assert.equal(median([7]), 7)
})

test('the median of an even number of values is the mean of the middle two', () => {
  assert.equal(median([4, 1, 100, 2]), 3)
})

test('the median compares numbers, not strings', () => {
  assert.equal(median([10, 9, 8]), 9)
})

test('an empty list has no median', () => {
  assert.throws(() => median([]))
})
