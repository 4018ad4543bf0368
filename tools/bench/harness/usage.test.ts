import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idleSeconds, ownCpuSeconds, parseUsage } from './usage.ts'

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

test('the time of ended children counts as this process’s, and waiting for the disk as idle', () => {
  const stat = '4711 (node) S 1 4711 4711 0 -1 4194560 900 0 3 0 250 50 7 3 20 0 11 0 9000 1000000 2048'
  assert.equal(ownCpuSeconds(stat, { tick: 0.01, page: 4096 }), 3.1)
  const all = 'cpu  4248769 522213 2029492 2874 501 0 128899 7483 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n'
  assert.equal(idleSeconds(all, { tick: 0.01, page: 4096 }), 33.75)
})
