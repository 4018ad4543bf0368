import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CounterWatch } from './counter-watch.ts'

function watch() {
  const said: [number, number][] = []
  return { said, counter: new CounterWatch((from, to) => said.push([from, to])) }
}

test('a value below what was known before it was asked for went back, and is followed', () => {
  const { said, counter } = watch()
  counter.note(100, counter.highest)
  counter.note(60, counter.highest)
  counter.note(61, counter.highest)
  assert.deepEqual(said, [[100, 60]])
  assert.equal(counter.highest, 61)
})

test('a value that was on its way while a higher one came in is no sign of it', () => {
  const { said, counter } = watch()
  counter.note(100, counter.highest)
  const before = counter.highest
  counter.note(103, counter.highest)
  counter.note(101, before)
  assert.deepEqual(said, [])
  assert.equal(counter.highest, 103)
})
