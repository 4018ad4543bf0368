import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PurgeReport } from './purge-report.ts'

test('the first removal is said, later ones together once a minute, and all are counted', () => {
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
