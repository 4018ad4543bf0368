import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { ServerRow, Snapshot } from '../../shared/api.ts'
import { FakeHitStore } from '../../testing/fake-hit-store.ts'
import { Admission } from '../hits/admission.ts'
import { HitQueue } from '../hits/hit-queue.ts'
import { createRouter } from '../http/router.ts'
import { PageTemplates } from '../render/page-templates.ts'
import type { RenderPage } from '../render/render-template.ts'
import { pageEndpoint, pageHead } from './page.ts'

const identity = { id: 3, name: 'web-3', address: '127.0.0.1:3003', srv_id: 'c'.repeat(32) }
const elsewhere = 'd'.repeat(32)
const gone: ServerRow = {
  id: 1,
  srv_id: elsewhere,
  name: 'web-1',
  address: '127.0.0.1:3001',
  state: 'lost',
  hits: 0,
  share: 0,
  rate: 0,
  started_at: '2026-11-22T11:00:00.000Z',
  last_seen_at: '2026-11-22T11:59:51.000Z',
  p50_ms: null,
  p99_ms: null,
  errors: 0,
  error_codes: {},
  streams: 0,
  memory_bytes: 0,
}
const snapshot: Snapshot = { counter: 0, at: '', servers: [], earlier_hits: 0, log: [] }

const store = new FakeHitStore()
let renderings = 0
let earlierHere: string | null = null
let counted = 0

/** Stands in for Next: prints what the page would, and the nonce as Next finds it in the policy. */
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
          earlierHere: () => earlierHere,
          serverOf: srvId => (srvId === elsewhere ? gone : null),
          onCounted: () => counted++,
          development: false,
          pages: new PageTemplates({
            snapshot: async () => snapshot,
            renderPage,
            server: identity,
            stickySeconds: 300,
            development: false,
          }),
        }),
        HEAD: pageHead(identity),
      },
    },
    rest: (_request, response) => void response.writeHead(404).end(),
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

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

after(() => {
  server.close()
})

test('the page goes out compressed to those who take that, and plain to others', async () => {
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
      `Moved from web-1 to web-3. web-1 was lost: no sign of it for 9 s. Nothing was lost.|${elsewhere}|${origin}</script>`,
  )
})

test('what the cookie says is told where it names another server', async () => {
  const told = async (cookie: string) => {
    const html = await (await fetch(origin, { headers: { Cookie: cookie } })).text()
    return html.replace('</script>', '').split('|').slice(5)
  }
  assert.deepEqual(await told(''), ['new', 'new visitor', '', '', origin])
  assert.deepEqual(await told(`srv_id=${identity.srv_id}`), ['returning', 'came back', '', '', origin])
  try {
    earlierHere = 'web-7'
    const orFrom = ['returning', 'came back, or from web-7', '', '', origin]
    assert.deepEqual(await told(`srv_id=${identity.srv_id}`), orFrom)
    assert.deepEqual(await told(''), ['new', 'new visitor', '', '', origin])
    earlierHere = identity.name
    assert.deepEqual(await told(`srv_id=${identity.srv_id}`), ['returning', 'came back', '', '', origin])
  } finally {
    earlierHere = null
  }
  const nobody = 'e'.repeat(32)
  assert.deepEqual(await told(`srv_id=${nobody}`), [
    'moved',
    'unknown cookie',
    'Your cookie named a server that is not known here. Another board on this host, at another port, may have set it: cookies know no ports. NGINX chose web-3, as for a new visitor.',
    nobody,
    origin,
  ])
})

test('what needs the whole address of the preview is told the origin, and a browser is not', async () => {
  const answer = await new Promise<IncomingMessage>(resolve =>
    get(origin, { headers: { 'Sec-Fetch-Mode': 'navigate' } }, resolve),
  )
  assert.doesNotMatch(await text(answer), /http:/)
  assert.match(await (await fetch(origin)).text(), /http:/)
})

test('every answer has a nonce of its own, from one rendering', async () => {
  const before = renderings
  const answers = await Promise.all([fetch(origin), fetch(origin), fetch(origin)])
  assert.equal(new Set(answers.map(answer => answer.headers.get('content-security-policy'))).size, 3)
  assert.ok(renderings - before <= 1)
})

test('asked for JSON, it tells the same', async () => {
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
  await until(() => store.waitingAtGate === 1)
  const before = store.log.size
  const leaving = get(origin, { headers: { Accept: 'application/json' } })
  leaving.on('error', () => {})
  await until(() => connections === 2)
  leaving.destroy()
  await until(() => connections === 1)
  resolve()
  assert.equal((await first).status, 200)
  assert.equal(store.log.size, before + 1)
})

let connections = 0
server.on('request', (_request, response) => {
  connections++
  response.on('close', () => connections--)
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}
