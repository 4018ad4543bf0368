import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median } from './median.ts'

test('the middle one of an odd number, whatever their order', () => {
  assert.equal(median([9, 1, 100]), 9)
  assert.equal(median([7]), 7)
})

test('the mean of the middle two of an even number', () => {
  assert.equal(median([4, 1, 100, 2]), 3)
})

test('numbers are compared as numbers', () => {
  assert.equal(median([10, 9, 8]), 9)
})

test('nothing has no median', () => {
  assert.throws(() => median([]))
})
