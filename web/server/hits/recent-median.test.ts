import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentMedian } from './recent-median.ts'

function measured(values: number[], now = () => 0): RecentMedian {
  const median = new RecentMedian(1000, now)
  for (const value of values) median.add(value)
  return median
}

test('one bad moment is not the middle', () => {
  assert.equal(measured([5, 6, 10_000, 7, 5]).value, 6)
})

test('what lasts is', () => {
  assert.equal(measured([5, 6, 7, ...Array<number>(10).fill(400)]).value, 400)
})

test('too little says nothing', () => {
  assert.equal(measured([400, 400]).value, 0)
})

test('what is long ago no longer counts', () => {
  let now = 0
  const median = measured([400, 400, 400], () => now)
  now = 999
  assert.equal(median.value, 400)
  now = 1000
  assert.equal(median.value, 0)
})
