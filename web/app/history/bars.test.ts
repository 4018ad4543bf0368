import assert from 'node:assert/strict'
import { test } from 'node:test'
import { axisTop, stackedBars } from './bars.ts'

test('the axis ends at a round number that holds the most and has a whole half', () => {
  const tops = [0, 1, 2, 3, 7, 9, 10, 11, 81, 100, 101, 999, 1000, 54_321].map(axisTop)
  assert.deepEqual(tops, [2, 2, 2, 4, 8, 10, 10, 20, 100, 100, 200, 1000, 1000, 60_000])
})

test('bars stand on each other, and where nothing was hit there is none', () => {
  const paths = stackedBars(
    [
      { key: 'a', name: 'a', hue: 0, hits: [2, 0] },
      { key: 'b', name: 'b', hue: 1, hits: [1, 4] },
    ],
    4,
  )
  assert.deepEqual(paths, ['M0.1 1h0.8v-0.5h-0.8z', 'M0.1 0.5h0.8v-0.25h-0.8zM1.1 1h0.8v-1h-0.8z'])
})
