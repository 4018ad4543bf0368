import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { History } from '../../shared/api.ts'
import { mostOf, seriesOf, totalsOf } from './series.ts'

const times = ['2026-11-22T12:00:00.000Z', '2026-11-22T12:01:00.000Z']

function history(servers: History['servers']): History {
  return { range: '5m', step: 60, times, servers, events: [], downs: [] }
}

test('lives of one address are one series, under the last name, in the order of colours', () => {
  const series = seriesOf(
    history([
      { id: 1, srv_id: 'b', name: 'web-2', hits: [1, 2] },
      { id: 2, srv_id: 'a', name: 'web-1', hits: [10, 0] },
      { id: 3, srv_id: 'a', name: 'web-9', hits: [0, 20] },
    ]),
    { a: 0, b: 1 },
  )
  assert.deepEqual(series, [
    { key: 'a', name: 'web-9', hue: 0, hits: [10, 20] },
    { key: 'b', name: 'web-2', hue: 1, hits: [1, 2] },
  ])
})

test('servers without a colour are one series, the last, and nothing is lost', () => {
  const series = seriesOf(
    history([
      { id: 1, srv_id: 'x', name: 'web-7', hits: [1, 0] },
      { id: 2, srv_id: 'y', name: 'web-8', hits: [1, 5] },
      { id: 3, srv_id: 'a', name: 'web-1', hits: [3, 3] },
    ]),
    { a: 0 },
  )
  assert.deepEqual(
    series.map(({ name, hits }) => [name, hits]),
    [
      ['web-1', [3, 3]],
      ['earlier servers', [2, 5]],
    ],
  )
  assert.deepEqual(totalsOf(series, 2), [5, 8])
})

test('the most is the highest bar of a server, its lives together, and 0 where there are none', () => {
  const [server] = seriesOf(
    history([
      { id: 1, srv_id: 'a', name: 'web-1', hits: [30, 2] },
      { id: 2, srv_id: 'a', name: 'web-1', hits: [0, 29] },
    ]),
    { a: 0 },
  )
  assert.equal(mostOf(server?.hits ?? []), 31)
  assert.equal(mostOf([]), 0)
})
