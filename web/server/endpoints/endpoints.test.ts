import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { startStubServer } from '../../../tools/lib/testing.ts'
import type { Snapshot } from '../../shared/api.ts'
import { serve } from '../../testing/endpoints.ts'
import { AnswerError } from '../errors.ts'
import { counterUnavailable, OutcomeUnknown, overloaded, shuttingDown } from '../hits/hit.ts'
import { createRouter } from '../http/router.ts'
import { ProblemPages } from '../render/pages.ts'
import { type RenderPage, Template } from '../render/template.ts'
import { notFoundEndpoint, pageProblem } from './error-pages.ts'
import { labVisitEndpoint } from './lab.ts'
import { csvRecord, nextWaitMs } from './log.ts'

const snapshot: Snapshot = { counter: 41, at: '', servers: [], earlier_hits: 0, log: [] }
const boardText = 'the board, counter 41'

/** Replaces Next: prints what the page would print, and the nonce from the policy as Next does. */
const renderPage: RenderPage = async ({ problem, snapshot: shown }, headers) => {
  const nonce = /'nonce-([^']+)'/.exec(headers['content-security-policy'] ?? '')?.[1]
  return `<script nonce="${nonce}">the board, counter ${shown.counter}: ${problem?.code}: ${problem?.message}</script>`
}

/** The answer to a page view that failed with this error. */
async function answerTo(error: AnswerError, accept = 'text/html', latest: Snapshot | null = snapshot) {
  const problems = new ProblemPages({
    latest: () => latest,
    renderPage,
    server: { id: 1, name: 'web-1', address: '127.0.0.1:3001', srv_id: 'a'.repeat(32) },
    stickySeconds: 300,
    monitoring: { prometheus: null, grafana: null, hasAlerts: false },
    development: false,
  })
  const board = await serve(() => Promise.reject(error), pageProblem(problems, false))
  try {
    const answer = await fetch(board.url, { headers: { Accept: accept } })
    return { answer, text: await answer.text() }
  } finally {
    await board.close()
  }
}

for (const error of [counterUnavailable(), new OutcomeUnknown()]) {
  test(`${error.code}: a person gets the board, and why nothing was counted`, async () => {
    const { answer, text } = await answerTo(error)
    assert.equal(answer.status, 503)
    assert.equal(answer.headers.get('retry-after'), '1')
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.equal(answer.headers.get('x-hit'), null)
    const nonce = /'nonce-([^']+)'/.exec(answer.headers.get('content-security-policy') ?? '')?.[1]
    assert.equal(text, `<script nonce="${nonce}">${boardText}: ${error.code}: ${error.message}</script>`)
  })
}

const plain: AnswerError[] = [
  overloaded(),
  shuttingDown(),
  new AnswerError(500, 'internal_error', 'Not well.'),
]
for (const error of plain) {
  test(`${error.code}: a person gets a few plain words, not a board`, async () => {
    const { answer, text } = await answerTo(error)
    assert.equal(answer.status, error.status)
    assert.ok(text.includes(error.message))
    assert.ok(!text.includes(boardText))
    assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
  })
}

test('where there is no board to show, the plain words stand in for it', async t => {
  t.mock.method(console, 'error', () => {})
  const { answer, text } = await answerTo(counterUnavailable(), 'text/html', null)
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'])
  assert.match(text, /Not now/)
})

test('a script gets the code and the message', async () => {
  const { answer, text } = await answerTo(overloaded(), 'application/json')
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '5'])
  assert.equal(JSON.parse(text).error.code, 'overloaded')
})

const page = new Template('<script nonce="TOKEN">', { nonce: 'TOKEN' })
const router = createRouter({
  exact: { '/': { GET: (_request, response) => void response.end('the page') } },
  fallback: notFoundEndpoint(page),
  onError: () => {},
})
let server: Awaited<ReturnType<typeof startStubServer>>

before(async () => {
  server = await startStubServer(router)
})

after(() => server[Symbol.asyncDispose]())

/** Sends the request line unchanged: fetch would rewrite the path. */
async function sendLine(line: string, ...headers: string[]) {
  const socket = connect(server.port, '127.0.0.1')
  socket.write(`${[`${line} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`)
  const text = (await socket.setEncoding('latin1').toArray()).join('')
  const [head = '', body = ''] = text.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), head, body }
}

const paths = [
  '/nope',
  '/nope/',
  '/labs',
  '/index',
  '/page',
  '/404',
  '/500',
  '/_error',
  '/_not-found',
  '/_global-error',
  '/%ff',
  '/%00',
  '/__proto__',
  '/constructor',
  '//',
  '//[',
  '//x/',
  '*',
  `/${'a'.repeat(7000)}`,
]

for (const path of paths) {
  test(`a person at ${path.slice(0, 20)} gets the page, with a nonce of the answer's policy`, async () => {
    const { status, head, body } = await sendLine(`GET ${path}`, 'Accept: text/html')
    assert.equal(status, 404)
    assert.match(head, /content-type: text\/html/i)
    const nonce = /script-src 'nonce-([^']+)'/.exec(head)?.[1]
    assert.equal(body, `<script nonce="${nonce}">`)
  })
}

const forScripts = [
  '/api',
  '/api/',
  '/api/nope',
  '/api/snapshot/',
  '/lab',
  '/lab/',
  '/lab/visits?policy=hash',
  '/_next/static/nope.js',
  '/_next/image?url=%2Ficon.svg&w=64&q=75',
  '/_next/data/build/index.json',
  '/nope?_rsc=1',
]

for (const path of forScripts) {
  test(`a request to ${path} gets JSON`, async () => {
    const { status, body } = await sendLine(`GET ${path}`, 'Accept: text/html')
    assert.equal(status, 404)
    assert.deepEqual(JSON.parse(body), {
      error: { code: 'not_found', message: 'There is nothing at this address.' },
    })
  })
}

test('so does a client that requests JSON or flight data', async () => {
  for (const header of ['Accept: application/json', 'RSC: 1'])
    assert.equal(JSON.parse((await sendLine('GET /nope', header)).body).error.code, 'not_found')
})

const icons = [
  '/favicon.ico',
  '/favicon.ico?v=2',
  '/apple-touch-icon.png',
  '/apple-touch-icon-precomposed.png',
  '/apple-touch-icon-120x120.png',
  '/apple-touch-icon-120x120-precomposed.png',
]

for (const path of icons) {
  test(`a request for an icon at ${path} gets a short answer`, async () => {
    for (const accept of ['*/*', 'image/avif,image/webp,image/*,*/*;q=0.8', 'text/html,*/*']) {
      const { status, body } = await sendLine(`GET ${path}`, `Accept: ${accept}`)
      assert.deepEqual([status, JSON.parse(body).error.code], [404, 'not_found'])
    }
  })
}

test('so does whatever loads an image, a font or a style that is not there', async () => {
  for (const accept of [
    'image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5',
    'font/woff2',
    'text/css,*/*;q=0.1',
  ])
    assert.equal(JSON.parse((await sendLine('GET /nope', `Accept: ${accept}`)).body).error.code, 'not_found')
  const browser = 'Accept: text/html,application/xhtml+xml,image/avif,image/webp,*/*;q=0.8'
  assert.match((await sendLine('GET /nope', browser)).head, /content-type: text\/html/i)
})

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'HEAD']) {
  test(`${method} of what does not exist is a 404, not a word about methods`, async () => {
    const { status, head, body } = await sendLine(`${method} /nope`, 'Next-Action: x', 'Range: bytes=0-1')
    assert.equal(status, 404)
    assert.doesNotMatch(head, /^allow:/im)
    assert.equal(body === '', method === 'HEAD')
  })
}

test('of an address that names a host, the path counts', async () => {
  assert.equal((await sendLine('GET http://any.example/?a=1')).body, 'the page')
  assert.equal((await sendLine('GET http://any.example')).body, 'the page')
  assert.equal((await sendLine('GET http://any.example/nope')).status, 404)
})

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

const patience = { clientMs: 10_000, waitMs: 30_000 }

test('a client has ten seconds, ten more for each megabyte, and never thirty in one piece', () => {
  assert.equal(nextWaitMs(patience, 0, 0), 10_000)
  assert.equal(nextWaitMs(patience, 1_000_000, 0), 20_000)
  assert.equal(nextWaitMs(patience, 9_000_000, 0), 30_000)
  assert.equal(nextWaitMs(patience, 9_000_000, 99_000), 1000)
})

test('a client that takes a little now and then has none left', () => {
  assert.equal(nextWaitMs(patience, 500_000, 15_000), 0)
  assert.equal(nextWaitMs(patience, 500_000, 60_000), 0)
})

test('plain fields stand as they are, null as nothing', () => {
  assert.equal(csvRecord([1, 'web-1', null, '2001:db8:1::/48']), '1,web-1,,2001:db8:1::/48\r\n')
})

test('what would end a field is quoted', () => {
  assert.equal(csvRecord(['a,b', 'say "hi"', 'two\r\nlines']), '"a,b","say ""hi""","two\r\nlines"\r\n')
})

test('no field is a formula to a spreadsheet', () => {
  assert.equal(csvRecord(['=1+1', '+1', '-1', '@SUM(A1)']), "'=1+1,'+1,'-1,'@SUM(A1)\r\n")
  assert.equal(csvRecord(['=HYPERLINK("x")', '\t=1']), `"'=HYPERLINK(""x"")",'\t=1\r\n`)
})
