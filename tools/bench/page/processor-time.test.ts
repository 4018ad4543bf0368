import assert from 'node:assert/strict'
import test from 'node:test'
import { ticksOf } from './processor-time.ts'

test('user and system time are added, whatever the process is called', () => {
  const rest = 'S 1 42 42 0 -1 4194560 900 0 3 0 120 34 0 0 20 0 9 0 777 1000 200'
  assert.equal(ticksOf(`42 (chromium) ${rest}`), 154)
  assert.equal(ticksOf(`42 (a) (b c) ${rest}`), 154)
})
