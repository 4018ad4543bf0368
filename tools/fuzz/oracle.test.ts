import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { startStubServer } from '../lib/testing.ts'
import { nginxAlarms, replicaAlarms } from './board.ts'
import { anyCase, bytesOf, caseAt, type FuzzCase, seedOfCase } from './cases/cases.ts'
import { findMiscounts, findMiscountsOfHttp2, type Sent } from './count.ts'
import { type Exchange, exchange, readAnswers } from './exchange.ts'
import type { SentHttp2 } from './http2.ts'
import { isPageView, judge } from './oracle.ts'

const canary = 'canary-1-'
const pageView: FuzzCase = {
  door: 'nginx',
  requests: [
    {
      method: 'GET',
      target: '/',
      version: 'HTTP/1.1',
      headers: ['Host: board.example', 'X-Test: zq1zq'],
      body: { headers: [], bytes: '', framing: 'sound' },
      lineEnd: '\r\n',
    },
  ],
  mutations: [],
  cut: null,
  canary: 'together',
}
const withRequest = (change: Partial<FuzzCase['requests'][number]>): FuzzCase => ({
  ...pageView,
  requests: pageView.requests.map(request => ({ ...request, ...change })),
})

function answer(status: number, headers: string, body = ''): string {
  return `HTTP/1.1 ${status} Said\r\n${headers}${headers && '\r\n'}Content-Length: ${body.length}\r\n\r\n${body}`
}
const page = (hit: number) =>
  answer(200, `Content-Type: text/html\r\nX-Hit: ${hit}`, '<!doctype html><title>Balance Board</title>')
const error = (status: number, code: string, message = '') =>
  answer(status, 'Content-Type: application/json', JSON.stringify({ error: { code, message } }))
const canaryAnswer = error(400, 'bad_parameter', `${canary}: unknown`)

function received(text: string, end: Exchange['end'] = 'canary answered'): Exchange {
  const { answers, malformed, rest } = readAnswers(Buffer.from(text, 'latin1'), () => false, end === 'closed')
  return { answers, malformed, rest: rest.toString('latin1'), end }
}

function complaintsAbout(text: string, fuzzCase = pageView, end?: Exchange['end']): string {
  const bytes = bytesOf(fuzzCase, {})
  return judge({ fuzzCase, bytes, canary, exchange: received(text, end) }).join('; ')
}

test('good answers get no complaint', () => {
  assert.equal(complaintsAbout(page(7) + canaryAnswer), '')
  assert.equal(complaintsAbout(error(400, 'bad_request'), pageView, 'closed'), '')
  assert.equal(complaintsAbout('', pageView, 'closed'), '')
  const parameter = withRequest({ target: '/api/log?zq1zq' })
  assert.equal(complaintsAbout(error(400, 'bad_parameter', 'zq1zq: unknown') + canaryAnswer, parameter), '')
  const inAdvance = withRequest({ headers: ['Host: a', 'Sec-Purpose: prefetch'] })
  assert.equal(complaintsAbout(error(503, 'not_in_advance') + canaryAnswer, inAdvance), '')
})

const bad: Record<string, [text: string, complaint: RegExp, fuzzCase?: FuzzCase, end?: Exchange['end']]> = {
  'an internal error': [error(500, 'internal_error') + canaryAnswer, /status 500/],
  'a refusal that the request does not explain': [error(503, 'not_in_advance') + canaryAnswer, /status 503/],
  'an error without a body': [answer(400, '') + canaryAnswer, /not in the format/],
  'a repeated header': [
    page(7).replace('X-Hit', 'X-Said: zq1zq\r\nX-Hit') + canaryAnswer,
    /a header repeats/,
  ],
  'an injected header': [
    page(7).replace('X-Hit', 'Set-Cookie: zq1zq=1\r\nX-Hit') + canaryAnswer,
    /a header repeats/,
  ],
  'a repeated text': [
    answer(404, 'Content-Type: text/html', '<!doctype html>Balance Board: no zq1zq here') + canaryAnswer,
    /a body repeats/,
  ],
  'the text of another case': [
    answer(200, 'Content-Type: text/csv', 'a,zq999zq') + canaryAnswer,
    /a body repeats/,
    withRequest({ target: '/api/log.csv' }),
  ],
  'a redirect': [answer(307, 'Location: https://else.example/') + canaryAnswer, /redirects to/],
  'flight data': [answer(200, 'Content-Type: text/x-component', '0:["a"]') + canaryAnswer, /flight data/],
  'broken JSON': [answer(200, 'Content-Type: application/json', '{"a":') + canaryAnswer, /cannot be parsed/],
  'a line that ends early': [
    page(7).replace('X-Hit', 'X-A: b\rX-Hit') + canaryAnswer,
    /not HTTP: not a header/,
  ],
  'two lengths': [
    page(7).replace('X-Hit', 'Content-Length: 3\r\nX-Hit') + canaryAnswer,
    /more than one length/,
  ],
  'half an answer': [page(7).slice(0, -5), /ended after/, pageView, 'closed'],
  'two answers to one request': [page(7) + page(8) + canaryAnswer, /2 answers to 1 requests/],
  'an answer after that of the last request': [
    page(7) + canaryAnswer + error(404, 'not_found'),
    /after the answer/,
  ],
  'no answer to the next request': [page(7), /got no answer/, pageView, 'given up'],
  'a connection that hangs': ['', /neither answered nor closed/, pageView, 'hung'],
  'a number for another method': [
    page(7) + canaryAnswer,
    /1 numbers for 0 page views/,
    withRequest({ method: 'DELETE' }),
  ],
  'a number for another path': [
    page(7) + canaryAnswer,
    /1 numbers for 0 page views/,
    withRequest({ target: '/x' }),
  ],
  'a number on a refusal': [
    error(404, 'not_found').replace('Content', 'X-Hit: 7\r\nContent') + canaryAnswer,
    /has a number/,
  ],
  'a page without a number': [page(7).replace('X-Hit: 7', 'X: y') + canaryAnswer, /without a number/],
  'an ambiguous length that is accepted': [
    page(7),
    /ambiguous length got status 200/,
    withRequest({
      body: {
        headers: ['Content-Length: 4', 'Transfer-Encoding: chunked'],
        bytes: '0\r\n\r\n',
        framing: 'ambiguous',
      },
    }),
    'closed',
  ],
  'a connection that goes on after an ambiguous length': [
    error(400, 'bad_request') + canaryAnswer,
    /did not end its connection/,
    withRequest({ body: { headers: ['Content-Length: -1'], bytes: '', framing: 'ambiguous' } }),
  ],
}

for (const [what, [text, complaint, fuzzCase, end]] of Object.entries(bad))
  test(`a complaint about ${what}`, () => assert.match(complaintsAbout(text, fuzzCase, end), complaint))

test('what is counted is compared with what was answered', () => {
  const sent = (n: number, exchange: Exchange): Sent => ({
    n,
    door: 'nginx',
    bytes: '',
    from: `127.21.0.${n}`,
    exchange,
  })
  const logged = (...ids: number[]) => ({
    counter: ids.at(-1) ?? 0,
    maxId: ids.at(-1) ?? 0,
    rows: ids.at(-1) ?? 0,
    sumHits: ids.at(-1) ?? 0,
    logged: ids.map(id => ({ id, requestId: '', clientIp: `127.21.0.${id}`, serverId: 1, at: '' })),
  })
  const first = sent(1, received(page(1) + canaryAnswer))
  assert.deepEqual(findMiscounts([first], 0, logged(1)), [])
  assert.match(findMiscounts([first], 0, logged(1, 2)).join(), /number 2 was counted .* no answer has it/)
  assert.match(
    findMiscounts([first, sent(2, received(page(1)))], 0, logged(1)).join(),
    /answered to case 1 and to case 2/,
  )
  assert.match(findMiscounts([first], 0, logged()).join(), /not in the log/)
  assert.match(findMiscounts([first], 0, { ...logged(1), sumHits: 2 }).join(), /differ/)
  // The client had left, so it may be counted.
  assert.deepEqual(findMiscounts([first, sent(2, received('', 'given up'))], 0, logged(1, 2)), [])
})

test('an HTTP/2 case counts as many page views as it may, under the numbers that it was answered', () => {
  const counted = (...ids: number[]) => ({
    counter: 0,
    maxId: 0,
    rows: 0,
    sumHits: 0,
    logged: ids.map(id => ({ id, requestId: '', clientIp: '127.31.0.1', serverId: 1, at: '' })),
  })
  const sent = (least: number, most: number, numbers: number[], isHasty = false): SentHttp2[] => [
    { n: 1, from: '127.31.0.1', counts: [least, most], numbers, isHasty },
  ]
  assert.deepEqual(findMiscountsOfHttp2(sent(1, 1, [7]), counted(7)), [])
  assert.deepEqual(findMiscountsOfHttp2(sent(0, 2, []), counted(7, 8)), [])
  assert.deepEqual(findMiscountsOfHttp2(sent(2, 2, [7], true), counted(7)), [])
  assert.match(findMiscountsOfHttp2(sent(0, 0, []), counted(7)).join(), /case 1 counted 1 .* not 0 to 0/)
  assert.match(findMiscountsOfHttp2(sent(2, 2, [7]), counted(7)).join(), /counted 1 .* not 2 to 2/)
  assert.match(findMiscountsOfHttp2(sent(1, 1, [8]), counted(7)).join(), /number 8 .* is not in the log/)
})

test('a line about a fault of a program is an alarm, and one about a client is none', () => {
  const nginx =
    '2026/11/25 23:00:00 [alert] 7#7: worker process 8 exited on signal 11\n2026/11/25 23:00:00 [warn] 7#7: limiting\n'
  assert.equal(nginxAlarms(nginx).length, 1)
  const replica =
    '2026-11-25T23:00:00.000Z error no page\nError: no page\n    at render (file:///page.ts:1:2)\n'
  assert.equal(replicaAlarms(replica).length, 2)
  assert.deepEqual(replicaAlarms('2026-11-25T23:00:00.000Z warn  a page view failed code=overloaded\n'), [])
})

test('only GET / is a page view', () => {
  for (const target of ['/', '/?a', '', '?a', '/#a', 'http://a', 'https://a/', 'http://a?b'])
    assert.ok(isPageView('GET', target, []), target)
  for (const target of ['/x', '//', '/.', '/%2f', '*', 'http://a/x', '/;a'])
    assert.ok(!isPageView('GET', target, []), target)
  assert.ok(!isPageView('HEAD', '/', []))
  assert.ok(!isPageView('GET', '/', ['X-Moz: prefetch']))
  assert.ok(!isPageView('GET', '/', ['rsc: 1']))
  assert.ok(!isPageView('GET', '/', ['Content-Length: 5']))
  assert.ok(isPageView('GET', '/', ['Content-Length: 0']))
})

test('a case depends on its seed and number alone, and is the one that is reduced', () => {
  for (const n of [1, 2, 500]) {
    const seen: FuzzCase[] = []
    fc.check(
      fc.property(anyCase, each => void seen.push(each)),
      { seed: seedOfCase(7, n), numRuns: 1 },
    )
    assert.deepEqual(caseAt(7, n), seen[0])
  }
  assert.notDeepEqual(caseAt(7, 1), caseAt(7, 2))
  assert.notDeepEqual(caseAt(7, 1), caseAt(8, 1))
})

test('every kind of case comes', () => {
  const cases = Array.from({ length: 2000 }, (_, n) => caseAt(1, n))
  const texts = cases.map(each => bytesOf(each, {}))
  for (const door of ['nginx', 'replica', 'https', 'redirect'])
    assert.ok(
      cases.some(each => each.door === door),
      door,
    )
  const shapes = [
    /^HEAD/,
    /^CONNECT/,
    /Transfer-Encoding: chunked\r\n.*Content-Length/s,
    /\0/,
    /%00/,
    /^X-Forwarded-For:/m,
    /srv_id=/,
    /^RSC:/m,
    /^Expect:/m,
    /^Upgrade:/m,
    /^traceparent:/m,
    /_next/,
    /HTTP\/2\.0/,
    /limit=/,
  ]
  for (const shape of shapes)
    assert.ok(
      texts.some(text => shape.test(text)),
      String(shape),
    )
  assert.ok(texts.some(text => text.length > 10_000))
})

const answering = (answer: (text: string, socket: Socket) => void) =>
  startStubServer(
    createServer(socket => {
      socket.setEncoding('latin1')
      socket.on('error', () => {})
      socket.on('data', text => answer(String(text), socket))
    }),
  )

async function sendTo(port: number, fuzzCase = pageView, patienceMs = 30_000): Promise<Exchange> {
  const place = { host: '127.0.0.1', port }
  return exchange({
    place,
    door: 'nginx',
    bytes: bytesOf(fuzzCase, {}),
    canary,
    fuzzCase,
    from: '127.0.0.1',
    patienceMs,
  })
}

test('an exchange ends with the answer to the canary, also if that comes later', async () => {
  await using server = await answering((text, socket) => {
    if (text.includes('GET / ')) socket.write(page(7))
    if (text.includes(canary)) socket.write(canaryAnswer)
  })
  for (const order of ['together', 'after'] as const) {
    const { end, answers, rest } = await sendTo(server.port, { ...pageView, canary: order })
    assert.deepEqual([end, answers.map(({ status }) => status), rest], ['canary answered', [200, 400], ''])
  }
})

test('an exchange ends if the server closes, or closes only after the client has given up', async () => {
  await using closing = await answering((_text, socket) => void socket.end(error(400, 'bad_request')))
  assert.equal((await sendTo(closing.port)).end, 'closed')
  await using silent = await answering(() => {})
  assert.equal((await sendTo(silent.port, pageView, 50)).end, 'given up')
})
