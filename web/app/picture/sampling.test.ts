import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSampling, sample } from './sampling.ts'

test('few visits are a dot each', () => {
  const [{ worth }, dots] = sample(noSampling, new Map([[1, 3]]))
  assert.equal(worth, 1)
  assert.equal(dots.get(1), 3)
})

test('of many visits one dot stands for some, and says for how many', () => {
  const [{ worth }, dots] = sample(
    noSampling,
    new Map([
      [1, 300],
      [2, 200],
    ]),
  )
  assert.equal(worth, 20)
  assert.deepEqual([dots.get(1), dots.get(2)], [15, 10])
})

test('what is left over is not lost', () => {
  const look = new Map([
    [1, 490],
    [2, 7],
  ])
  let [sampling, dots] = sample(noSampling, look)
  let second = dots.get(2) ?? 0
  for (let n = 1; n < 20; n++) {
    ;[sampling, dots] = sample(sampling, look)
    second += dots.get(2) ?? 0
  }
  assert.equal(second, 7)
})

test('after a rush a dot is one visit again, but not at once', () => {
  let [sampling] = sample(noSampling, new Map([[1, 600]]))
  ;[sampling] = sample(sampling, new Map([[1, 1]]))
  assert.equal(sampling.worth, 20)
  for (let n = 0; n < 6; n++) [sampling] = sample(sampling, new Map([[1, 1]]))
  assert.equal(sampling.worth, 1)
})
