import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestIdRetention } from './request-id-retention.ts'

const running = new AbortController().signal

test('request ids go ten minutes after their number was given, not before', async () => {
  let now = 0
  const pruned: number[] = []
  const retention = new RequestIdRetention(
    async lastId => {
      pruned.push(lastId)
      return 0
    },
    () => now,
  )
  for (let minute = 0; minute <= 12; minute++) {
    now = minute * 60_000
    retention.noteNumber((minute + 1) * 100)
    await retention.turn(running)
  }
  assert.deepEqual(pruned, [100, 200, 300])
})

test('what could not be pruned is tried again', async () => {
  let now = 0
  let fails = true
  const pruned: number[] = []
  const retention = new RequestIdRetention(
    async lastId => {
      if (fails) throw new Error('away')
      pruned.push(lastId)
      return 0
    },
    () => now,
  )
  retention.noteNumber(7)
  await retention.turn(running)
  now = 10 * 60_000
  await assert.rejects(retention.turn(running))
  fails = false
  now += 60_000
  await retention.turn(running)
  assert.deepEqual(pruned, [7])
})
