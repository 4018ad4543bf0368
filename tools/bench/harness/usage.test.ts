import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseUsage } from './usage.ts'

test('processor time is that of the program and of the system, and memory is counted in pages', () => {
  const stat =
    '4711 (a (odd) name) S 1 4711 4711 0 -1 4194560 900 0 3 0 250 50 7 7 20 0 11 0 9000 1000000 2048 18446744073709551615'
  assert.deepEqual(parseUsage(stat, { tick: 0.01, page: 4096 }), { cpuSeconds: 3, bytes: 2048 * 4096 })
})
