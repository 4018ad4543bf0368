import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { serve } from '../../testing/endpoints.ts'
import { PassedOn } from '../hits/errors.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { forOwnVisitors } from './for-own-visitors.ts'

const srvId = 'c'.repeat(32)
const elsewhere = 'd'.repeat(32)

let draining = false
let cannotCount = false
/** what becomes of a page view that is let in */
let answer: Endpoint
let page: Awaited<ReturnType<typeof serve>>

before(async () => {
  const own = { srvId, isDraining: () => draining, cannotCount: () => cannotCount }
  page = await serve(forOwnVisitors(own, (...parameters) => answer(...parameters)))
})

beforeEach(() => {
  draining = true
  cannotCount = false
  answer = (_request, response) => void response.end('the page')
})

after(() => page.close())

const ask = (headers: Record<string, string> = {}, method = 'GET') => fetch(page.url, { headers, method })

for (const [who, headers, status] of [
  ['its own visitor', { Cookie: `theme=dark; srv_id=${srvId}` }, 200],
  ['a stranger', {}, 403],
  ["another server's visitor", { Cookie: `srv_id=${elsewhere}` }, 403],
  ['a stranger whom every server turned away', { 'X-Last-Try': '1' }, 200],
] as const) {
  test(`${who} gets ${status} of a server that drains`, async () => {
    for (const method of ['GET', 'HEAD']) assert.equal((await ask(headers, method)).status, status)
  })
}

test('a server that does not drain takes everybody', async () => {
  draining = false
  assert.equal(await (await ask()).text(), 'the page')
})

test('what a stranger is told is an error like any other', async () => {
  const answer = await ask()
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.deepEqual(await answer.json(), {
    error: { code: 'draining', message: 'This server takes no new visitors.' },
  })
})

const throughNginx = { 'X-Real-IP': '10.0.0.7' }

for (const [who, headers, status] of [
  ['its own visitor', { ...throughNginx, Cookie: `srv_id=${srvId}` }, 403],
  ['a stranger', throughNginx, 403],
  ['a visitor at the last try', { ...throughNginx, 'X-Last-Try': '1' }, 200],
  ['a request that did not come through NGINX', {}, 200],
] as const) {
  test(`${who} gets ${status} of a server that cannot count`, async () => {
    draining = false
    cannotCount = true
    for (const method of ['GET', 'HEAD']) assert.equal((await ask(headers, method)).status, status)
  })
}

test('a page view that the server certainly has not counted is passed on with 403', async () => {
  answer = () => Promise.reject(new PassedOn(false))
  const passedOn = await ask({ 'X-Last-Try': '1' })
  assert.equal(passedOn.status, 403)
  assert.equal((await passedOn.json()).error.code, 'cannot_count')
})

test('one that it may have counted is passed on without an answer, so that NGINX can say so', async () => {
  answer = () => Promise.reject(new PassedOn(true))
  await assert.rejects(ask({ 'X-Last-Try': '1' }), { name: 'TypeError' })
})
