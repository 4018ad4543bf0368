import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linearScale, logScale, plotSvg } from './plot.ts'

const plot = {
  title: 'Page views by connections',
  x: 'connections',
  y: 'page views/s',
  xScale: 'logarithmic' as const,
  points: [
    { x: 1, y: 300 },
    { x: 16, y: 2500 },
    { x: 512, y: 4100 },
  ],
}

test('every point is inside the picture, the highest value at the top', () => {
  const places = [...plotSvg(plot).matchAll(/<circle class="point" cx="([\d.]+)" cy="([\d.]+)"/g)]
  const [first, second, third] = places.map(([, x, y]) => ({ x: Number(x), y: Number(y) }))
  assert.ok(first && second && third)
  assert.ok(first.x >= 0 && first.x < second.x && second.x < third.x && third.x <= 640)
  assert.ok(third.y >= 0 && third.y < second.y && second.y < first.y && first.y <= 320)
})

test('the picture has a title and a description with its values', () => {
  const svg = plotSvg(plot)
  assert.match(svg, /<title>Page views by connections<\/title>/)
  assert.match(svg, /<desc>page views\/s by connections: 1: 300, 16: 2\.5k, 512: 4\.1k<\/desc>/)
})

test('a linear scale goes from 0 to a round value at or above the highest', () => {
  const { place, ticks } = linearScale([100, 4312])
  assert.deepEqual(ticks, [0, 2000, 4000, 6000])
  assert.deepEqual([place(0), place(3000), place(6000)], [0, 0.5, 1])
})

test('a linear scale of zeros is valid', () => {
  const { place } = linearScale([0, 0])
  assert.equal(place(0), 0)
})

test('on a logarithmic scale equal ratios are equally far apart', () => {
  const { place, ticks } = logScale([10_000, 100, 1000])
  assert.deepEqual(ticks, [100, 1000, 10_000])
  assert.deepEqual([place(100), place(10_000)], [0, 1])
  assert.ok(Math.abs(place(1000) - 0.5) < 1e-9)
})
