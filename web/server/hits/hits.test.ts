import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { Admission } from './admission.ts'
import { NotCounted, readHit } from './hit.ts'

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

const stays = () => false

/** Results of `count` page views that come in one turn. */
async function enter(admission: Admission, count: number, isDisconnected = stays) {
  const entered = await Promise.allSettled(
    Array.from({ length: count }, () => admission.enter(isDisconnected)),
  )
  const reasons = entered.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  for (const reason of reasons) {
    assert.ok(reason instanceof NotCounted)
    assert.deepEqual([reason.status, reason.code], [503, 'overloaded'])
  }
  const admitted = entered.filter(result => result.status === 'fulfilled' && result.value)
  return { admitted: admitted.length, refused: reasons.length }
}

const begunAtOnce = async (admission: Admission, count: number) => {
  let begun = 0
  for (let view = 0; view < count; view++) admission.enter(stays).then(() => begun++)
  await Promise.resolve()
  return begun
}

test('a turn of the event loop starts a limited number of page views, and so does the next', async () => {
  const admission = new Admission(() => 0, { maxPerTurn: 10, maxTurns: 3, maxWaitMs: 250 })
  assert.equal(await begunAtOnce(admission, 15), 10)
  await new Promise(setImmediate)
  assert.equal(await begunAtOnce(admission, 15), 5)
})

test('a page view that finds too many turns full is refused', async () => {
  const admission = new Admission(() => 0, { maxPerTurn: 10, maxTurns: 3, maxWaitMs: 250 })
  assert.deepEqual(await enter(admission, 45), { admitted: 30, refused: 15 })
  assert.deepEqual(await enter(admission, 10), { admitted: 10, refused: 0 })
})

test('a disconnected client takes no place in later turns', async () => {
  const admission = new Admission(() => 0, { maxPerTurn: 10, maxTurns: 3, maxWaitMs: 250 })
  const gone = enter(admission, 1000, () => true)
  const others = enter(admission, 20)
  assert.deepEqual(await gone, { admitted: 10, refused: 0 })
  assert.deepEqual(await others, { admitted: 20, refused: 0 })
})

test('a page view with too long an expected wait is refused, until the wait is shorter', async () => {
  let waitMs = 251
  const admission = new Admission(() => waitMs, { maxPerTurn: 10, maxTurns: 3, maxWaitMs: 250 })
  assert.deepEqual(await enter(admission, 5), { admitted: 0, refused: 5 })
  waitMs = 250
  assert.deepEqual(await enter(admission, 5), { admitted: 5, refused: 0 })
})
