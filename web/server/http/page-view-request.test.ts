import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import {
  acceptsGzip,
  isFlightRequest,
  isPrefetch,
  readHit,
  readSrvIdCookie,
  wantsJson,
} from './page-view-request.ts'

const srvId = '01c2a3a6a99837796bad2f82f71dfc33'

function request(headers: Record<string, string>): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { headers })
}

test('what is asked for in advance is told from what a person asks for', () => {
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

test('a browser gets HTML, a script that asks for JSON gets JSON', () => {
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

test('a hit is what NGINX says of it', () => {
  const headers = {
    'x-request-id': 'a'.repeat(32),
    'x-real-ip': '::ffff:203.0.113.9',
    cookie: `srv_id=${srvId}`,
  }
  assert.deepEqual(readHit(request(headers)), {
    requestId: 'a'.repeat(32),
    clientIp: '203.0.113.9',
    cookieSrvId: srvId,
  })
})

test('without a request id from NGINX each page view is a request of its own', () => {
  const [first, second] = [request({}), request({ 'x-request-id': "'; DROP TABLE access_log" })].map(readHit)
  assert.match(first?.requestId ?? '', /^[0-9a-f]{32}$/)
  assert.match(second?.requestId ?? '', /^[0-9a-f]{32}$/)
  assert.notEqual(first?.requestId, second?.requestId)
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
