import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countdown, elapsed, lengthInWords, localTimes, utcTime } from './times.ts'

const now = () => Date.parse('2026-11-22T20:00:00.000Z')

test('times follow the reader’s locale and zone', () => {
  assert.equal(localTimes('en-GB', 'Europe/Zurich', now).second('2026-11-22T12:04:31.203Z'), '13:04:31')
  assert.equal(localTimes('de-DE', 'UTC', now).moment('2026-11-22T12:04:31.203Z'), '12:04:31,203')
})

test('a time of another day says which, by the reader’s midnight', () => {
  const zurich = localTimes('en-GB', 'Europe/Zurich', now)
  assert.equal(zurich.second('2026-11-21T22:59:59.999Z'), '21 Nov, 23:59:59')
  assert.equal(zurich.second('2026-11-21T23:00:00.000Z'), '00:00:00')
})

test('before the reader’s zone is known times are UTC and say so', () => {
  assert.equal(utcTime('2026-11-22T12:04:31.203Z', '2026-11-22T12:04:32.000Z'), '12:04:31.203 UTC')
  assert.equal(utcTime('2026-11-21T12:04:31.203Z', '2026-11-22T12:04:32.000Z'), '2026-11-21 12:04 UTC')
})

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
