import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { z } from 'zod'
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
