import assert from 'node:assert/strict'
import { test } from 'node:test'
import { padRate } from './pad-rate.ts'

test('two digits take the room of three, and what is as long stays as it is', () => {
  assert.deepEqual(['7', '99', '100', '1,024', '9.9'].map(padRate), [
    '\u2007\u20077',
    '\u200799',
    '100',
    '1,024',
    '9.9',
  ])
})
