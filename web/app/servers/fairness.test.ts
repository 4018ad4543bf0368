import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fairness } from './fairness.ts'

test('all alike is 1, whatever the rate', () => {
  assert.equal(fairness([4, 4, 4]), 1)
  assert.equal(fairness([0.5]), 1)
})

test('one of n that has all is 1/n', () => {
  assert.equal(fairness([9, 0, 0]), 1 / 3)
})

test('in between it is in between', () => {
  assert.equal(fairness([2, 1, 1])?.toFixed(3), (16 / 18).toFixed(3))
})

test('nothing to share has no fairness', () => {
  assert.equal(fairness([0, 0]), null)
  assert.equal(fairness([]), null)
})
