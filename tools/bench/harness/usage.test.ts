import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseUsage } from './usage.ts'

test('processor time is user plus system time, and memory is counted in pages', () => {
  const stat =
    '4711 (a (odd) name) S 1 4711 4711 0 -1 4194560 900 0 3 0 250 50 7 7 20 0 11 0 9000 1000000 2048 18446744073709551615'
  assert.deepEqual(parseUsage(stat, { tick: 0.01, page: 4096 }), { cpuSeconds: 3, bytes: 2048 * 4096 })
})

test('user and system time are added, for any process name', () => {
  const ticksOf = (stat: string) => parseUsage(stat, { tick: 1, page: 1 }).cpuSeconds
  const rest = 'S 1 42 42 0 -1 4194560 900 0 3 0 120 34 0 0 20 0 9 0 777 1000 200'
  assert.equal(ticksOf(`42 (chromium) ${rest}`), 154)
  assert.equal(ticksOf(`42 (a) (b c) ${rest}`), 154)
})
