import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readStreak, withVisit } from './streak.ts'

test('the first visit starts a streak, and each visit to the same server extends it', () => {
  const first = withVisit(null, '7', 'a')
  assert.equal(first.times, 1)
  assert.equal(withVisit(withVisit(first, '9', 'a'), '12', 'a').times, 3)
})

test('the same visit counts once', () => {
  const first = withVisit(null, '7', 'a')
  assert.deepEqual(withVisit(first, '7', 'a'), first)
})

test('another server ends it', () => {
  const before = { srv_id: 'a', hit: '7', times: 5 }
  assert.deepEqual(withVisit(before, '8', 'b'), { srv_id: 'b', hit: '8', times: 1 })
})

test('invalid text is not a streak', () => {
  for (const text of [null, '', '{', '[]', '{"srv_id":1}']) assert.equal(readStreak(text), null)
  const streak = { srv_id: 'a', hit: '7', times: 5 }
  assert.deepEqual(readStreak(JSON.stringify(streak)), streak)
})
