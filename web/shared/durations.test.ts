import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countdown, elapsed, lengthInWords } from './durations.ts'

test('a countdown starts full, ends at zero and stays there', () => {
  assert.equal(countdown(300_000), '5:00')
  assert.equal(countdown(299_001), '5:00')
  assert.equal(countdown(272_000), '4:32')
  assert.equal(countdown(1), '0:01')
  assert.equal(countdown(0), '0:00')
  assert.equal(countdown(-5000), '0:00')
  assert.equal(countdown(3_872_000), '1:04:32')
})

test('what has lasted is said in one unit', () => {
  assert.equal(elapsed(12_900), '12 s')
  assert.equal(elapsed(-1), '0 s')
  assert.equal(elapsed(240_000), '4 min')
  assert.equal(elapsed(7_300_000), '2 h')
})

test('a length that was set is said in words', () => {
  assert.equal(lengthInWords(300), '5 minutes')
  assert.equal(lengthInWords(60), '1 minute')
  assert.equal(lengthInWords(90), '90 seconds')
  assert.equal(lengthInWords(1), '1 second')
})
