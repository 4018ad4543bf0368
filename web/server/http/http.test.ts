import assert from 'node:assert/strict'
import { once } from 'node:events'
import { IncomingMessage, type RequestListener } from 'node:http'
import { connect, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { z } from 'zod'
import { startStubServer } from '../../../tools/lib/testing.ts'
import { BadParameter } from '../errors.ts'
import {
  acceptsGzip,
  isFlightRequest,
  isPrefetch,
  parseParameters,
  positiveInteger,
  readSrvIdCookie,
  requestOrigin,
  wantsJson,
} from './request.ts'
import { createHttpServer, createRouter } from './router.ts'

const srvId = '01c2a3a6a99837796bad2f82f71dfc33'

function request(headers: Record<string, string>): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { headers })
}

test('prefetches are distinguished from page views', () => {
  for (const purpose of ['prefetch', 'prefetch;prerender', 'prefetch;anonymous-client-ip'])
    assert.ok(isPrefetch(request({ 'sec-purpose': purpose })), purpose)
  assert.ok(isPrefetch(request({ purpose: 'prefetch' })))
  assert.ok(isPrefetch(request({ 'x-moz': 'prefetch' })))
  for (const header of ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'])
    for (const purpose of [
      'preview',
      'Prerender',
      'PREFETCH',
      ' prefetch',
      'instant, preview',
      'prefetch;prerender',
    ])
      assert.ok(isPrefetch(request({ [header]: purpose })), `${header}: ${purpose}`)
  assert.ok(!isPrefetch(request({})))
  assert.ok(!isPrefetch(request({ purpose: 'previewer', 'x-purpose': 'navigate', 'x-moz': '' })))
})

test('flight requests are known by header or query', () => {
  assert.ok(isFlightRequest(request({ rsc: '1' }), new URL('http://x/')))
  assert.ok(isFlightRequest(request({}), new URL('http://x/?_rsc=abc')))
  assert.ok(!isFlightRequest(request({}), new URL('http://x/')))
})

test('a browser gets HTML, a script that requests JSON gets JSON', () => {
  assert.ok(wantsJson(request({ accept: 'application/json' })))
  assert.ok(!wantsJson(request({ accept: 'text/html,application/xhtml+xml,application/json;q=0.9,*/*' })))
  assert.ok(!wantsJson(request({ accept: '*/*' })))
  assert.ok(!wantsJson(request({})))
})

test('only a well-formed cookie names a server', () => {
  assert.equal(readSrvIdCookie(`theme=dark; srv_id=${srvId}; x=1`), srvId)
  for (const cookies of [
    '',
    'srv_id=',
    'srv_id=web-1',
    `xsrv_id=${srvId}`,
    `srv_id=${srvId}0`,
    `srv_id="${srvId}"`,
  ])
    assert.equal(readSrvIdCookie(cookies), null, cookies)
})

test('gzip is accepted when it is named, and not refused', () => {
  for (const encodings of [
    'gzip',
    'gzip, deflate, br, zstd',
    'br;q=1.0, gzip;q=0.8',
    'deflate,GZIP ; q=0.001',
  ])
    assert.ok(acceptsGzip(request({ 'accept-encoding': encodings })), encodings)
  for (const encodings of ['', 'identity', '*', 'br', 'x-gzip', 'gzip;q=0', 'br, gzip; q=0.000 ,deflate'])
    assert.ok(!acceptsGzip(request({ 'accept-encoding': encodings })), encodings)
  assert.ok(!acceptsGzip(request({})))
})

const originOf = (host: string | undefined, proto?: string) =>
  requestOrigin({ headers: { host, 'x-forwarded-proto': proto } })

test('scheme and host as NGINX passes them on', () => {
  assert.equal(originOf('board.example', 'https'), 'https://board.example')
  assert.equal(originOf('127.0.0.1:8080', 'http'), 'http://127.0.0.1:8080')
  assert.equal(originOf('localhost'), 'http://localhost')
})

test('empty for a host with characters that may not be filled into a page', () => {
  for (const host of [undefined, '', '[::1]:8080', 'a"b', 'a/b', 'a:b']) assert.equal(originOf(host), '')
})

const shape = { before: positiveInteger().optional(), limit: positiveInteger(200).default(50) }

function parse(query: string) {
  return parseParameters(new URLSearchParams(query), shape)
}

test('a missing parameter takes its default', () => {
  assert.deepEqual(parse(''), { limit: 50 })
  assert.deepEqual(parse('before=9007199254740991&limit=200'), {
    before: Number.MAX_SAFE_INTEGER,
    limit: 200,
  })
})

const refused: Record<string, string> = {
  'page=2': 'page: unknown; there are before, limit',
  'Limit=2': 'Limit: unknown; there are before, limit',
  '__proto__=2': '__proto__: unknown; there are before, limit',
  'toString=2': 'toString: unknown; there are before, limit',
  'limit=1&limit=2': 'limit: given more than once',
  'limit=1&limit=1': 'limit: given more than once',
  'limit=0': 'limit: must be an integer from 1 to 200',
  'limit=201': 'limit: must be an integer from 1 to 200',
  'limit=': 'limit: must be an integer from 1 to 200',
  'before=0': 'before: must be a positive integer',
  'before=-1': 'before: must be a positive integer',
  'before=1.5': 'before: must be a positive integer',
  'before=1e3': 'before: must be a positive integer',
  'before=0x10': 'before: must be a positive integer',
  'before=007': 'before: must be a positive integer',
  'before=+7': 'before: must be a positive integer',
  'before=7%0A': 'before: must be a positive integer',
  'before=7;DROP': 'before: must be a positive integer',
  'before=9007199254740992': 'before: must be a positive integer',
  'before=99999999999999999999': 'before: must be a positive integer',
}

for (const [query, message] of Object.entries(refused)) {
  test(`${query} is refused`, () => {
    assert.throws(() => parse(query), new BadParameter(...splitOnce(message)))
  })
}

test('an endpoint without parameters says so', () => {
  assert.throws(() => parseParameters(new URLSearchParams('x=1'), {}), {
    message: 'x: unknown; there are no parameters here',
  })
})

test('a parameter that must be given is named when it is missing', () => {
  const required = { range: z.enum(['5m', '1h'], 'must be 5m or 1h') }
  assert.throws(() => parseParameters(new URLSearchParams(), required), {
    message: 'range: must be 5m or 1h',
  })
})

function splitOnce(message: string): [string, string] {
  const at = message.indexOf(': ')
  return [message.slice(0, at), message.slice(at + 2)]
}

const malformed = {
  'a method that Node does not know': 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n',
  'raw bytes in the path': 'GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n',
  'raw bytes in the query': 'GET /?\xc3\x28 HTTP/1.1\r\nHost: a\r\n\r\n',
  'a control character in a header': 'GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n',
}

for (const [what, request] of Object.entries(malformed))
  test(`${what}: 400 in the format of all errors`, async () => {
    const { head, body } = await send(request)
    assert.match(head, /^HTTP\/1\.1 400 Bad Request\r\n/)
    assert.match(head, /^Content-Type: application\/json; charset=utf-8$/m)
    assert.match(head, /^Cache-Control: no-store$/m)
    assert.match(head, /^Connection: close$/m)
    assert.equal(JSON.parse(body).error.code, 'bad_request')
  })

test('too large a head: 431 in the format of all errors', async () => {
  const { head, body } = await send(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
  assert.match(head, /^HTTP\/1\.1 431 /)
  assert.equal(JSON.parse(body).error.code, 'headers_too_large')
})

test('a client that resets its connection is not an error', async () => {
  await using server = await startServer()
  const socket = connect(server.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost')
  await once(server.http, 'connection')
  socket.resetAndDestroy()
  await once(socket, 'close')
  assert.match((await sendTo(server.port, 'GET / HTTP/1.0\r\n\r\n')).head, /^HTTP\/1\.1 200 /)
})

test('a request without Host, with an unknown Expect or with an unknown coding is an error like others', async () => {
  const noHost = await send('GET / HTTP/1.1\r\n\r\n')
  assert.match(noHost.head, /^HTTP\/1\.1 400 /)
  assert.equal(JSON.parse(noHost.body).error.code, 'bad_request')
  const expectation = await send('GET / HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n\r\n')
  assert.match(expectation.head, /^HTTP\/1\.1 417 /)
  assert.equal(JSON.parse(expectation.body).error.code, 'expectation_failed')
  for (const coding of ['gzip, chunked', 'identity', 'xchunked']) {
    const { head, body } = await send(
      `GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`,
    )
    assert.match(head, /^HTTP\/1\.1 501 /, coding)
    assert.equal(JSON.parse(body).error.code, 'not_implemented', 'and this is the only answer')
  }
})

test('a body that turns out to be broken adds no second answer', async () => {
  for (const broken of ['-1\r\n', '5\r\nhelloX', 'ffffffffffffffff1\r\n']) {
    const { all } = await send(`GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${broken}`)
    assert.deepEqual(statusesIn(all), ['200'], broken)
  }
})

test('what cannot be read after a request is answered after it', async () => {
  const late: RequestListener = (_request, response) => void setImmediate(() => response.end('well'))
  await using server = await startServer(late)
  const { all } = await sendTo(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n')
  assert.deepEqual(statusesIn(all), ['200', '400'])
})

test('a request that expects to continue gets its answer, after those of earlier requests', async () => {
  const late: RequestListener = (_request, response) => void setImmediate(() => response.end('well'))
  await using server = await startServer(late)
  const expecting = 'GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n'
  const { all } = await sendTo(server.port, `${expecting}${expecting}nonsense\r\n\r\n`)
  assert.deepEqual(statusesIn(all), ['200', '200', '400'])
  assert.equal(all.split('well').length, 3)
})

test('nothing is handled after an answer that ends the connection', async () => {
  let handled = 0
  await using server = await startServer((_request, response) => void response.end(String(++handled)))
  const plain = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  for (const header of [
    'Expect: a miracle',
    'Expect: 100-continue\r\nContent-Length: 0005',
    'Transfer-Encoding: gzip, chunked',
  ]) {
    const body = header.includes('Length') ? 'hello' : header.includes('chunked') ? '0\r\n\r\n' : ''
    const { all } = await sendTo(server.port, `GET / HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n${body}${plain}`)
    assert.equal(statusesIn(all).length, 1, all)
  }
  assert.equal(handled, 0)
})

test('only a path that is written plainly is that of an endpoint', async () => {
  const router = createRouter({
    exact: { '/': { GET: (_request, response) => void response.end('page') } },
    fallback: (_request, response) => void response.writeHead(404).end(),
    onError: () => {},
  })
  await using server = await startServer(router)
  const statusOf = async (target: string) =>
    statusesIn((await sendTo(server.port, `GET ${target} HTTP/1.0\r\n\r\n`)).all)[0]
  for (const target of ['/', '/?a/../b', '/#..', 'http://a', 'HTTPS://a/?x'])
    assert.equal(await statusOf(target), '200', target)
  for (const target of [
    '/..',
    '/.',
    '/x/..',
    '/x/../',
    '/%2e',
    '/%2E./',
    '/x\\..',
    '/\\',
    'http://a/..',
    '/../?a',
  ])
    assert.equal(await statusOf(target), '400', target)
  for (const target of ['/x', '//', '/...', '/.well-known', '/a..b', '/x?/..'])
    assert.equal(await statusOf(target), '404', target)
})

const statusesIn = (answers: string) => [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)

async function send(request: string) {
  await using server = await startServer()
  return await sendTo(server.port, request)
}

async function sendTo(port: number, request: string) {
  const socket = connect(port, '127.0.0.1')
  socket.write(request, 'latin1')
  const all = await text(socket)
  const [head = '', body = ''] = all.split('\r\n\r\n')
  return { head, body, all }
}

async function startServer(listener: RequestListener = (_request, response) => void response.end('well')) {
  const http = createHttpServer({}, listener)
  return { http, ...(await startStubServer(http)) }
}
