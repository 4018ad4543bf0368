import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharesOf } from './shares.ts'

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)

test('three equal counts add up to 100.0 %', () => {
  assert.deepEqual(sharesOf([5, 5, 5]), [334, 333, 333])
})

test('what is left goes to the largest remainders', () => {
  assert.deepEqual(sharesOf([1, 2, 3]), [167, 333, 500])
})

test('any counts add up, and none is off by a tenth of a percent or more', () => {
  for (let round = 1; round <= 200; round++) {
    const counts = Array.from(
      { length: 1 + (round % 12) },
      (_, place) => (round * 7919 * (place + 1)) % 10_007,
    )
    const shares = sharesOf(counts)
    assert.equal(sum(shares), 1000)
    for (const [place, share] of shares.entries()) {
      assert.ok(Math.abs(share - ((counts[place] ?? 0) * 1000) / sum(counts)) < 1)
    }
  }
})

test('nothing counted is nothing shared', () => {
  assert.deepEqual(sharesOf([0, 0]), [0, 0])
  assert.deepEqual(sharesOf([]), [])
})
