import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unanswered } from '../../lib/visitors.ts'
import { recoveryTime } from './recovery.ts'

const view = (srvId: string | null, startedAt: number, took: number) => ({
  ...unanswered('127.1.0.1'),
  status: srvId ? 200 : 503,
  srvId,
  startedAt,
  took,
})

test('recovery ends with the first answer of the last replica that came back', () => {
  const views = [view('a', 1000, 10), view('b', 1500, 20), view('b', 1600, 20), view('a', 1700, 10)]
  assert.equal(recoveryTime(views, 1000, ['a', 'b']), 520)
})

test('recovery lasts while page views fail', () => {
  const views = [view('a', 1000, 10), view(null, 1100, 1500)]
  assert.equal(recoveryTime(views, 1000, ['a']), 1600)
})

test('an answer to a page view that started earlier does not count as recovery', () => {
  assert.equal(recoveryTime([view('a', 999, 50)], 1000, ['a']), null)
})
