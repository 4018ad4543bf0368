import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { serve } from './endpoint-fixture.ts'
import { forOwnVisitors } from './for-own-visitors.ts'

const srvId = 'c'.repeat(32)
const elsewhere = 'd'.repeat(32)

let draining = false
let page: Awaited<ReturnType<typeof serve>>

before(async () => {
  const own = { srvId, isDraining: () => draining, cannotCount: () => false }
  page = await serve(forOwnVisitors(own, (_request, response) => void response.end('the page')))
})

beforeEach(() => {
  draining = true
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
