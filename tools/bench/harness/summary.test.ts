import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeRun as run } from './fake-run.ts'
import { ratiosOf } from './ratios.ts'
import { summarise } from './summary.ts'

test('rates are told with their spread, and errors of all rounds add up', () => {
  const { page_views_per_second, errors } = summarise('board', [
    run(30, { errors: 1 }),
    run(10),
    run(20, { errors: 2 }),
  ])
  assert.deepEqual(page_views_per_second, { median: 20, lowest: 10, highest: 30 })
  assert.equal(errors, 3)
})

test('one round that is not exact makes the whole not exact, and what counts nothing is neither', () => {
  assert.equal(summarise('board', [run(1), run(1, { exact: false })]).exact, false)
  assert.equal(summarise('board', [run(1), run(1)]).exact, true)
  assert.equal(summarise('static_file', [run(1, { exact: null })]).exact, null)
})

test("ratios say how many times another's rate the board's is", () => {
  const summaries = [
    summarise('board', [run(4000)]),
    summarise('flask', [run(500)]),
    summarise('naive_next', [run(100)]),
    summarise('limit', [run(5000)]),
  ]
  assert.deepEqual(ratiosOf(summaries), { flask_seed: 8, naive_next: 40, limit: 0.8 })
})

test('a ratio to what was not measured is refused', () => {
  assert.throws(() => ratiosOf([summarise('board', [run(1)])]), /was not measured/)
})
