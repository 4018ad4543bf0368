import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startStubServer } from '../../lib/testing/stub-server.ts'
import { visitSteadily } from './visit-steadily.ts'

const { signal } = new AbortController()

test('as many page views are begun as were asked for, and those not answered with 200 are errors', {
  timeout: 30_000,
}, async () => {
  let seen = 0
  await using server = await startStubServer((_request, response) => {
    response.writeHead(++seen % 2 === 0 ? 503 : 200).end('answer')
  })
  const { begun, errors } = await visitSteadily(server.url, { perSecond: 100, seconds: 0.2 }, signal)
  assert.deepEqual({ begun, errors, seen }, { begun: 20, errors: 10, seen: 20 })
})

test('page views go on being begun while none is answered', { timeout: 30_000 }, async () => {
  const { promise: all, resolve: allAsked } = Promise.withResolvers<void>()
  let asked = 0
  await using server = await startStubServer(async (_request, response) => {
    if (++asked === 10) allAsked()
    await all
    response.end('answer')
  })
  const { errors } = await visitSteadily(server.url, { perSecond: 100, seconds: 0.1 }, signal)
  assert.equal(errors, 0)
})
