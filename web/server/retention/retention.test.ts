import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PurgeReport, RequestIdRetention } from './retention.ts'

const running = new AbortController().signal

test('request ids are pruned ten minutes after their number was given, not before', async () => {
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
    await retention.run(running)
  }
  assert.deepEqual(pruned, [100, 200, 300])
})

test('pruning is retried after a failure', async () => {
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
  await retention.run(running)
  now = 10 * 60_000
  await assert.rejects(retention.run(running))
  fails = false
  now += 60_000
  await retention.run(running)
  assert.deepEqual(pruned, [7])
})

test('the first removal is logged, later ones together once a minute, and all are counted', () => {
  let now = 0
  let counted = 0
  const said: string[] = []
  const count = (rows: number) => {
    counted += rows
  }
  const report = new PurgeReport(
    'rows',
    count,
    text => said.push(text),
    () => now,
  )
  const note = (rows: number, through: number) => report.note({ rows, through, throughAt: `t${through}` })
  note(5, 10)
  now = 10_000
  note(7, 20)
  note(1, 21)
  report.flush()
  now = 60_000
  report.flush()
  report.flush()
  assert.deepEqual(said, [
    'retention removed 5 rows, up to number 10, of t10',
    'retention removed 8 rows, up to number 21, of t21',
  ])
  assert.equal(counted, 13)
})
