import assert from 'node:assert/strict'
import { createServer, get, IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, beforeEach, test } from 'node:test'
import { eventually, startStubServer } from '../../../tools/lib/testing.ts'
import type { Snapshot } from '../../shared/api.ts'
import { serve } from '../../testing/endpoints.ts'
import { FakeHitStore, sampleServerRow } from '../../testing/samples.ts'
import { Admission } from '../hits/admission.ts'
import { PassedOn } from '../hits/hit.ts'
import { HitQueue } from '../hits/hit-queue.ts'
import { createRouter, type Endpoint } from '../http/router.ts'
import { PageTemplates } from '../render/pages.ts'
import { type RenderPage, Template } from '../render/template.ts'
import { forOwnVisitors, pageEndpoint, pageHead, sendFilledPage } from './page.ts'

const identity = { id: 3, name: 'web-3', address: '127.0.0.1:3003', srv_id: 'c'.repeat(32) }
const elsewhere = 'd'.repeat(32)
const gone = sampleServerRow({
  srv_id: elsewhere,
  state: 'lost',
  started_at: '2026-11-22T11:00:00.000Z',
  last_seen_at: '2026-11-22T11:59:51.000Z',
})
const snapshot: Snapshot = { counter: 0, at: '', servers: [], earlier_hits: 0, log: [] }

const store = new FakeHitStore()
let renderings = 0
let previousServerName: string | null = null
let counted = 0

/** Replaces Next: prints what the page would print, and the nonce from the policy as Next does. */
const renderPage: RenderPage = async ({ visit }, headers) => {
  renderings++
  const nonce = /'nonce-([A-Za-z0-9+/=]+)'/.exec(headers['content-security-policy'] ?? '')?.[1]
  return `<script nonce="${nonce}">${Object.values(visit ?? {}).join('|')}</script>`
}

const server = createServer(
  createRouter({
    exact: {
      '/': {
        GET: pageEndpoint({
          admission: new Admission(() => 0),
          queue: new HitQueue(store),
          identity,
          previousServerName: () => previousServerName,
          serverOf: srvId => (srvId === elsewhere ? gone : null),
          onCounted: () => counted++,
          development: false,
          pages: new PageTemplates({
            snapshot: async () => snapshot,
            renderPage,
            server: identity,
            stickySeconds: 300,
            monitoring: { prometheus: null, grafana: null, hasAlerts: false },
            development: false,
          }),
        }),
        HEAD: pageHead(identity),
      },
    },
    fallback: (_request, response) => void response.writeHead(404).end(),
    onError: () => {},
  }),
)
let origin = ''

test('a request whose client had gone when it was read is not counted', async () => {
  const logged = store.log.size
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  socket.end('GET / HTTP/1.1\r\nHost: board\r\nAccept: application/json\r\n\r\n')
  await text(socket)
  assert.equal(store.log.size, logged)
})

let board: Awaited<ReturnType<typeof startStubServer>>

before(async () => {
  board = await startStubServer(server)
  origin = board.url
})

after(() => board[Symbol.asyncDispose]())

test('clients that accept gzip get the page compressed, others uncompressed', async () => {
  for (const [encoding, expected] of [
    ['gzip', 'gzip'],
    ['identity', null],
  ] as const) {
    const answer = await fetch(origin, { headers: { 'Accept-Encoding': encoding } })
    assert.equal(answer.headers.get('content-encoding'), expected)
    assert.match(await answer.text(), new RegExp(`>${answer.headers.get('x-hit')}\\|`))
  }
})

test('a page view answers with its own number, address and time in the page', async () => {
  const answer = await fetch(origin, {
    headers: { 'X-Real-IP': '203.0.113.9', Cookie: `srv_id=${elsewhere}` },
  })
  const number = answer.headers.get('x-hit')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('x-srv-id'), identity.srv_id)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  const html = await answer.text()
  const nonce = /'nonce-([^']+)'/.exec(answer.headers.get('content-security-policy') ?? '')?.[1]
  assert.equal(
    html,
    `<script nonce="${nonce}">${number}|${number}|203.0.113.9|2026-11-22T12:00:00.000Z|12:00:00.000 UTC|moved|moved from web-1|` +
      `web-1 went silent 9 s before, so NGINX sent you to web-3. Your visit was counted.|${elsewhere}|${origin}</script>`,
  )
})

test('the page shows the cookie’s server if it is another one', async () => {
  const shownTo = async (cookie: string) => {
    const html = await (await fetch(origin, { headers: { Cookie: cookie } })).text()
    return html.replace('</script>', '').split('|').slice(5)
  }
  assert.deepEqual(await shownTo(''), ['new', 'new visitor', '', '', origin])
  assert.deepEqual(await shownTo(`srv_id=${identity.srv_id}`), ['returning', 'came back', '', '', origin])
  try {
    previousServerName = 'web-7'
    const orFrom = ['returning', 'came back, or from web-7', '', '', origin]
    assert.deepEqual(await shownTo(`srv_id=${identity.srv_id}`), orFrom)
    assert.deepEqual(await shownTo(''), ['new', 'new visitor', '', '', origin])
    previousServerName = identity.name
    assert.deepEqual(await shownTo(`srv_id=${identity.srv_id}`), ['returning', 'came back', '', '', origin])
  } finally {
    previousServerName = null
  }
  const nobody = 'e'.repeat(32)
  assert.deepEqual(await shownTo(`srv_id=${nobody}`), [
    'moved',
    'unknown cookie',
    'Your cookie named a server that is not known here. Another board on this host may have set it: cookies are shared by all ports. NGINX chose web-3, as for a new visitor.',
    nobody,
    origin,
  ])
})

test('clients that need the preview’s full address get the origin, and browsers do not', async () => {
  const answer = await new Promise<IncomingMessage>(resolve =>
    get(origin, { headers: { 'Sec-Fetch-Mode': 'navigate' } }, resolve),
  )
  assert.doesNotMatch(await text(answer), /http:/)
  assert.match(await (await fetch(origin)).text(), /http:/)
})

test('every answer has a new nonce, from one rendering', async () => {
  const before = renderings
  const answers = await Promise.all([fetch(origin), fetch(origin), fetch(origin)])
  assert.equal(new Set(answers.map(answer => answer.headers.get('content-security-policy'))).size, 3)
  assert.ok(renderings - before <= 1)
})

test('JSON has the same content', async () => {
  const before = counted
  const answer = await fetch(origin, { headers: { Accept: 'application/json', 'X-Real-IP': 'fd00::0007' } })
  const body = await answer.json()
  assert.deepEqual(body, {
    hit: Number(answer.headers.get('x-hit')),
    srv_id: identity.srv_id,
    server: 'web-3',
    client_ip: 'fd00::7',
    arrival: 'new',
    moved_from: null,
    at: '2026-11-22T12:00:00.000Z',
  })
  assert.equal(counted, before + 1)
})

for (const [what, init, status] of [
  ['HEAD', { method: 'HEAD' }, 200],
  ['a prefetch', { headers: { 'Sec-Purpose': 'prefetch' } }, 503],
  ['a prerendering', { headers: { 'Sec-Purpose': 'prefetch;prerender' } }, 503],
  ['POST', { method: 'POST' }, 405],
] as const) {
  test(`${what} counts nothing`, async () => {
    const before = store.log.size
    const answer = await fetch(origin, init)
    assert.equal(answer.status, status)
    assert.equal(answer.headers.get('x-hit'), null)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.equal(store.log.size, before)
  })
}

test('a client that leaves before its batch is not counted', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  store.gate = promise
  const first = fetch(origin, { headers: { Accept: 'application/json' } })
  await eventually(() => store.waitingAtGate === 1)
  const before = store.log.size
  const leaving = get(origin, { headers: { Accept: 'application/json' } })
  leaving.on('error', () => {})
  await eventually(() => connections === 2)
  leaving.destroy()
  await eventually(() => connections === 1)
  resolve()
  assert.equal((await first).status, 200)
  assert.equal(store.log.size, before + 1)
})

let connections = 0
server.on('request', (_request, response) => {
  connections++
  response.on('close', () => connections--)
})

const ownSrvId = 'c'.repeat(32)
const otherSrvId = 'd'.repeat(32)

let draining = false
let cannotCount = false
/** the result of an admitted page view */
let ownAnswer: Endpoint
let ownPage: Awaited<ReturnType<typeof serve>>

before(async () => {
  const own = { srvId: ownSrvId, isDraining: () => draining, cannotCount: () => cannotCount }
  ownPage = await serve(forOwnVisitors(own, (...parameters) => ownAnswer(...parameters)))
})

beforeEach(() => {
  draining = true
  cannotCount = false
  ownAnswer = (_request, response) => void response.end('the page')
})

after(() => ownPage.close())

const fetchOwnPage = (headers: Record<string, string> = {}, method = 'GET') =>
  fetch(ownPage.url, { headers, method })

for (const [who, headers, status] of [
  ['its own visitor', { Cookie: `theme=dark; srv_id=${ownSrvId}` }, 200],
  ['a stranger', {}, 403],
  ["another server's visitor", { Cookie: `srv_id=${otherSrvId}` }, 403],
  ['a stranger that every server turned away', { 'X-Last-Try': '1' }, 200],
] as const) {
  test(`${who} gets ${status} of a server that drains`, async () => {
    for (const method of ['GET', 'HEAD']) assert.equal((await fetchOwnPage(headers, method)).status, status)
  })
}

test('a server that does not drain takes everybody', async () => {
  draining = false
  assert.equal(await (await fetchOwnPage()).text(), 'the page')
})

test('a new visitor gets an error in the common format', async () => {
  const answer = await fetchOwnPage()
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.deepEqual(await answer.json(), {
    error: { code: 'draining', message: 'This server takes no new visitors.' },
  })
})

const throughNginx = { 'X-Real-IP': '10.0.0.7' }

for (const [who, headers, status] of [
  ['its own visitor', { ...throughNginx, Cookie: `srv_id=${ownSrvId}` }, 403],
  ['a stranger', throughNginx, 403],
  ['a visitor at the last try', { ...throughNginx, 'X-Last-Try': '1' }, 200],
  ['a request that did not come through NGINX', {}, 200],
] as const) {
  test(`${who} gets ${status} of a server that cannot count`, async () => {
    draining = false
    cannotCount = true
    for (const method of ['GET', 'HEAD']) assert.equal((await fetchOwnPage(headers, method)).status, status)
  })
}

test('a page view that the server certainly has not counted is passed on with 403', async () => {
  ownAnswer = () => Promise.reject(new PassedOn(false))
  const passedOn = await fetchOwnPage({ 'X-Last-Try': '1' })
  assert.equal(passedOn.status, 403)
  assert.equal((await passedOn.json()).error.code, 'cannot_count')
})

test('one that it may have counted is passed on without an answer, so that NGINX can say so', async () => {
  ownAnswer = () => Promise.reject(new PassedOn(true))
  await assert.rejects(fetchOwnPage({ 'X-Last-Try': '1' }), { name: 'TypeError' })
})

test('the bytes of a page are no other visitor’s before they have been written', t => {
  const template = new Template('<b nonce="AAAAnonce">BBBBhit</b>', { nonce: 'AAAAnonce', hit: 'BBBBhit' })
  const sent: { bytes: unknown; written: () => void }[] = []
  const send = (hit: string) => {
    const request = new IncomingMessage(new Socket())
    request.headers['accept-encoding'] = 'gzip'
    const response = new ServerResponse(request)
    t.mock.method(response, 'end', (bytes: unknown, written: () => void) => sent.push({ bytes, written }))
    sendFilledPage(request, response, {
      status: 200,
      template,
      values: { nonce: 'q1w2', hit },
      development: false,
    })
  }
  send('101')
  send('102')
  sent[0]?.written()
  send('103')
  const [first, second, third] = sent.map(({ bytes }) => bytes)
  assert.notEqual(first, second)
  assert.equal(first, third)
})
