import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { readHit } from './hit.ts'

const srvId = '01c2a3a6a99837796bad2f82f71dfc33'

function request(headers: Record<string, string>): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { headers })
}

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

test('without a request id from NGINX each page view is a separate request', () => {
  const [first, second] = [request({}), request({ 'x-request-id': "'; DROP TABLE access_log" })].map(readHit)
  assert.match(first?.requestId ?? '', /^[0-9a-f]{32}$/)
  assert.match(second?.requestId ?? '', /^[0-9a-f]{32}$/)
  assert.notEqual(first?.requestId, second?.requestId)
})
