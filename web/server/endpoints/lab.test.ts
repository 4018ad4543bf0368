import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../../testing/endpoints.ts'
import { labVisitEndpoint } from './lab.ts'

const identity = { id: 2, name: 'web-2', address: '127.0.0.1:3002', srv_id: 'a'.repeat(32) }

const bad: [query: string, reason: RegExp][] = [
  ['', /^policy: must be one of round_robin, least_conn, random_two, ip_hash, hash$/],
  ['?policy=sticky', /^policy: /],
  ['?policy=hash&policy=hash', /^policy: given more than once$/],
  ['?policy=hash&keys=a', /^keys: unknown/],
  ['?policy=hash&key=', /^key: must be 1 to 64/],
  [`?policy=hash&key=${'k'.repeat(65)}`, /^key: must be 1 to 64/],
  ['?policy=hash&key=%00', /^key: must be 1 to 64/],
  ...[
    'web-2',
    'web-2:',
    ':300',
    'web-2:2001',
    'web-2:-1',
    'web-2:1e3',
    'web-2:0x10',
    'web-2:300,',
    'web-2:1,web-2:2',
  ].map((slow): [string, RegExp] => [
    `?policy=hash&slow=${slow}`,
    /^slow: must be NAME:VALUE.* ms from 0 to 2000/,
  ]),
  [`?policy=hash&slow=${Array.from({ length: 21 }, (_, n) => `web-${n}:1`)}`, /^slow: .* up to 20 servers/],
  ...['web-3:1.1', 'web-3:-0.5', 'web-3:NaN', 'web-3:.5', 'web-3:50%25'].map((fail): [string, RegExp] => [
    `?policy=hash&fail=${fail}`,
    /^fail: must be NAME:VALUE.* a share from 0 to 1/,
  ]),
]

test('a bad parameter of a lab visit is a 400 that says which and why', async () => {
  const board = await serve(labVisitEndpoint(identity))
  for (const [query, reason] of bad) {
    const { status, body } = await board.get(query)
    assert.equal(status, 400, query)
    assert.equal(body.error.code, 'bad_parameter', query)
    assert.match(body.error.message, reason, query)
  }
  await board.close()
})

test('a lab visit names its server, and is slow or fails only where the request says so', async () => {
  const randoms = [0.49, 0.5, 0.99]
  const board = await serve(labVisitEndpoint(identity, () => randoms.shift() ?? 0.999))
  const answer = { server: 'web-2', srv_id: identity.srv_id, policy: 'least_conn' }
  const failing = '?policy=least_conn&fail=web-3:1,web-2:0.5'
  const { status, body } = await board.get(failing)
  assert.deepEqual([status, body.error.code], [503, 'lab_failure'])
  assert.deepEqual(await board.get(failing), { status: 200, body: { ...answer, waited_ms: 0 } })
  assert.deepEqual(await board.get('?policy=least_conn&slow=web-1:2000,web-2:30'), {
    status: 200,
    body: { ...answer, waited_ms: 30 },
  })
  await board.close()
})
