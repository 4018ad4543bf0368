import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow } from '../../shared/api.ts'
import { sampleServerRow } from '../../testing/samples.ts'
import { plainFormats } from '../ui/formats.ts'
import {
  errorCodesText,
  fairness,
  inOrder,
  latencyText,
  megabytes,
  type Order,
  orderOf,
  rowKeys,
  serversUpText,
  sharesOf,
  uptimeMs,
} from './server-rows.ts'

function server(name: string, figures: Pick<ServerRow, 'hits' | 'rate' | 'state'>): ServerRow {
  return sampleServerRow({ srv_id: name, name, ...figures })
}

const servers = [
  server('web-1', { hits: 5, rate: 1, state: 'up' }),
  server('web-2', { hits: 90, rate: 0, state: 'lost' }),
  server('web-3', { hits: 5, rate: 12, state: 'stopped' }),
  server('web-10', { hits: 400, rate: 1, state: 'draining' }),
]
const at = '2026-11-22T12:00:01.000Z'
const numbersIn = (order: Order) => inOrder(servers, order, at).map(({ name }) => name.slice(4))

test('the most comes first, failing servers come before those that are up, and equal ones stay by name', () => {
  assert.deepEqual(numbersIn('name'), ['1', '2', '3', '10'])
  assert.deepEqual(numbersIn('hits'), ['10', '2', '1', '3'])
  assert.deepEqual(numbersIn('rate'), ['3', '1', '10', '2'])
  assert.deepEqual(numbersIn('state'), ['2', '10', '3', '1'])
})

test('a server that is silent comes after those that are lost, whatever it last said', () => {
  const silent = (name: string, state: ServerRow['state']) =>
    sampleServerRow({ name, state, last_seen_at: '2026-11-22T11:59:57.000Z' })
  const some = [...servers, silent('web-11', 'up'), silent('web-12', 'draining'), silent('web-13', 'lost')]
  const names = inOrder(some, 'state', at).map(({ name }) => name)
  assert.deepEqual(names, ['web-2', 'web-13', 'web-11', 'web-12', 'web-10', 'web-3', 'web-1'])
})

test('a row keeps its key over a restart, and two live instances at one address have two keys', () => {
  assert.deepEqual(rowKeys([{ id: 1, srv_id: 'a' }]), rowKeys([{ id: 7, srv_id: 'a' }]))
  const keys = rowKeys([
    { id: 1, srv_id: 'a' },
    { id: 2, srv_id: 'b' },
    { id: 3, srv_id: 'a' },
  ])
  assert.equal(new Set(keys).size, 3)
})

test('an unknown order is by name', () => {
  assert.deepEqual(['', 'rate', 'toString', 'RATE'].map(orderOf), ['name', 'rate', 'name', 'name'])
})

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)

test('three equal counts add up to 100.0 %', () => {
  assert.deepEqual(sharesOf([5, 5, 5]), [334, 333, 333])
})

test('the largest remainders are rounded up', () => {
  assert.deepEqual(sharesOf([1, 2, 3]), [167, 333, 500])
})

test('any counts add up, and none is off by a tenth of a percent or more', () => {
  for (let round = 1; round <= 200; round++) {
    const counts = Array.from(
      { length: 1 + (round % 12) },
      (_, place) => (round * 7919 * (place + 1)) % 10_007,
    )
    const shares = sharesOf(counts)
    assert.equal(sum(shares), 1000)
    for (const [place, share] of shares.entries()) {
      assert.ok(Math.abs(share - ((counts[place] ?? 0) * 1000) / sum(counts)) < 1)
    }
  }
})

test('nothing counted: all shares are 0', () => {
  assert.deepEqual(sharesOf([0, 0]), [0, 0])
  assert.deepEqual(sharesOf([]), [])
})

test('equal rates have fairness 1, whatever the rate', () => {
  assert.equal(fairness([4, 4, 4]), 1)
  assert.equal(fairness([0.5]), 1)
})

test('one server of n with all hits is 1/n', () => {
  assert.equal(fairness([9, 0, 0]), 1 / 3)
})

test('uneven rates lie in between', () => {
  assert.equal(fairness([2, 1, 1])?.toFixed(3), (16 / 18).toFixed(3))
})

test('without hits there is no fairness', () => {
  assert.equal(fairness([0, 0]), null)
  assert.equal(fairness([]), null)
})

const serverIn = (state: ServerRow['state']) =>
  sampleServerRow({ state, started_at: '2026-11-22T12:00:00.000Z', last_seen_at: '2026-11-22T12:00:08.000Z' })

test('a server runs until now, a lost or stopped one until it was last seen', () => {
  const now = '2026-11-22T12:00:30.000Z'
  assert.equal(uptimeMs(serverIn('up'), now), 30_000)
  assert.equal(uptimeMs(serverIn('draining'), now), 30_000)
  assert.equal(uptimeMs(serverIn('lost'), now), 8_000)
  assert.equal(uptimeMs(serverIn('stopped'), now), 8_000)
})

test('latencies have one decimal under 10, and are a dash if nothing was served', () => {
  assert.equal(latencyText(2.14, 94.4, plainFormats), '2.1 / 94')
  assert.equal(latencyText(null, null, plainFormats), '–')
})

test('memory is in whole megabytes', () => {
  assert.equal(megabytes(104_857_600), 105)
})

test('errors by code: the most frequent first, empty if there are none', () => {
  assert.equal(
    errorCodesText({ outcome_unknown: 1, overloaded: 3 }, plainFormats),
    '3 overloaded, 1 outcome_unknown',
  )
  assert.equal(errorCodesText({}, plainFormats), '')
})

test('servers that are all up are counted, one or many', () => {
  assert.equal(serversUpText(['up', 'up'], String), '2 servers up')
  assert.equal(serversUpText(['up'], String), '1 server up')
  assert.equal(serversUpText([], String), '0 servers up')
})

test('every state that is not up is named with its count', () => {
  assert.equal(serversUpText(['up', 'lost', 'up', 'draining'], String), '2 up · 1 draining · 1 lost')
  assert.equal(serversUpText(['draining', 'lost', 'draining'], String), '0 up · 2 draining · 1 lost')
  assert.equal(
    serversUpText(['stopped', 'silent', 'joining'], String),
    '0 up · 1 joining · 1 silent · 1 stopped',
  )
})
