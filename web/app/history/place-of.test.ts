import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeOf } from './place-of.ts'

const minute = (count: number) => `2026-11-22T12:0${count}:00.000Z`
const history = { step: 60, times: [0, 1, 2, 3, 4, 5].map(minute) }

test('a time has its place between the first bucket’s start and the last one’s end', () => {
  assert.equal(placeOf(minute(0), history), 0)
  assert.equal(placeOf(minute(3), history), 0.5)
  assert.equal(placeOf('2026-11-22T13:00:00.000Z', history), 1)
})
