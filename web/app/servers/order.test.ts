import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerRow } from '../../shared/api.ts'
import { inOrder, type Order, orderOf } from './order.ts'

function server(name: string, figures: Pick<ServerRow, 'hits' | 'rate' | 'state'>): ServerRow {
  const at = '2026-11-22T12:00:00.000Z'
  const times = { started_at: at, last_seen_at: at }
  const health = { p50_ms: null, p99_ms: null, errors: 0, error_codes: {}, streams: 0, memory_bytes: 0 }
  return { id: 1, srv_id: name, name, address: '127.0.0.1:1', share: 0, ...times, ...health, ...figures }
}

const servers = [
  server('web-1', { hits: 5, rate: 1, state: 'up' }),
  server('web-2', { hits: 90, rate: 0, state: 'lost' }),
  server('web-3', { hits: 5, rate: 12, state: 'stopped' }),
  server('web-10', { hits: 400, rate: 1, state: 'draining' }),
]
const numbersIn = (order: Order) => inOrder(servers, order).map(({ name }) => name.slice(4))

test('the most comes first, who is in trouble before who is up, and alike ones stay by name', () => {
  assert.deepEqual(numbersIn('name'), ['1', '2', '3', '10'])
  assert.deepEqual(numbersIn('hits'), ['10', '2', '1', '3'])
  assert.deepEqual(numbersIn('rate'), ['3', '1', '10', '2'])
  assert.deepEqual(numbersIn('state'), ['2', '10', '3', '1'])
})

test('an order that there is not is that by name', () => {
  assert.deepEqual(['', 'rate', 'toString', 'RATE'].map(orderOf), ['name', 'rate', 'name', 'name'])
})
