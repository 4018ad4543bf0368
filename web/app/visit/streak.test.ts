import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readStreak, withVisit } from './streak.ts'

test('the first visit begins a streak, and each by the same server lengthens it', () => {
  const first = withVisit(null, '7', 'a')
  assert.equal(first.times, 1)
  assert.equal(withVisit(withVisit(first, '9', 'a'), '12', 'a').times, 3)
})

test('the same visit, asked for again, counts once', () => {
  const first = withVisit(null, '7', 'a')
  assert.deepEqual(withVisit(first, '7', 'a'), first)
})

test('another server ends it', () => {
  const before = { srv_id: 'a', hit: '7', times: 5 }
  assert.deepEqual(withVisit(before, '8', 'b'), { srv_id: 'b', hit: '8', times: 1 })
})

test('what is not a streak is none', () => {
  for (const text of [null, '', '{', '[]', '{"srv_id":1}']) assert.equal(readStreak(text), null)
  const streak = { srv_id: 'a', hit: '7', times: 5 }
  assert.deepEqual(readStreak(JSON.stringify(streak)), streak)
})
