import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerState } from './api.ts'
import { movedText, whyNotReached } from './wording.ts'

const movedStart = '2026-11-22T11:00:00.000Z'
const movedSeen = '2026-11-22T12:00:00.000Z'
const movedAt = '2026-11-22T12:00:09.000Z'

test('a move says from where to where and why, and that the visit was counted', () => {
  const from = { name: 'web-3', started_at: movedStart, last_seen_at: movedSeen } as const
  const moved = (state: ServerState, at = movedAt) => movedText({ ...from, state }, 'web-1', at)
  const sent = 'so NGINX sent you to web-1. Your visit was counted.'
  assert.equal(moved('lost'), `web-3 went silent 9 s before, ${sent}`)
  assert.equal(moved('lost', '2026-11-22T12:00:01.200Z'), `web-3 went silent 1 s before, ${sent}`)
  assert.equal(moved('up'), `web-3 went silent 9 s before, ${sent}`)
  assert.equal(moved('stopped'), `web-3 had stopped, ${sent}`)
  assert.equal(moved('draining'), `web-3 was draining, ${sent}`)
  assert.equal(moved('joining'), `web-3 was restarting, ${sent}`)
  assert.equal(
    moved('up', '2026-11-22T10:59:57.500Z'),
    `web-3 did not answer and was restarted 2 s later, ${sent}`,
  )
  assert.equal(
    moved('up', '2026-11-22T12:00:01.200Z'),
    'NGINX could not reach web-3, so it sent you to web-1. Your visit was counted. web-3 was up at its last heartbeat, 1 s before. Why it was not reached is not recorded.',
  )
})

test('the text for an unknown cookie claims neither a move nor a loss', () => {
  assert.equal(
    movedText(null, 'web-1', movedAt),
    'Your cookie named a server that is not known here. Another board on this host may have set it: cookies are shared by all ports. NGINX chose web-1, as for a new visitor.',
  )
})

const start = '2026-11-22T11:00:00.000Z'
const seen = '2026-11-22T12:00:00.000Z'
const later = '2026-11-22T12:00:14.900Z'

const why = (state: ServerState, at = later) =>
  whyNotReached({ name: 'web-3', state, started_at: start, last_seen_at: seen }, at)

test('each state has its words', () => {
  assert.equal(why('lost'), 'web-3 was lost: no heartbeat for 14 s.')
  assert.equal(
    why('lost', '2026-11-22T12:00:01.200Z'),
    'web-3 is lost: its last heartbeat came 1 s before the visit.',
  )
  assert.equal(why('stopped'), 'web-3 had stopped.')
  assert.equal(why('draining'), 'web-3 was draining.')
  assert.equal(why('joining'), 'web-3 was restarting.')
  assert.equal(
    why('up'),
    'web-3 was up at its last heartbeat, 14 s before. Why it was not reached is not recorded.',
  )
})

test('a heartbeat after the visit says nothing about it, nor does an unknown server', () => {
  const unknown = 'Why it was not reached is not recorded.'
  assert.equal(why('lost', '2026-11-22T11:59:59.999Z'), unknown)
  assert.equal(whyNotReached(undefined, later), unknown)
})

test('an instance that starts soon after the visit is a restart; a later one says nothing', () => {
  assert.equal(why('up', '2026-11-22T10:59:57.500Z'), 'web-3 was restarted 2 s after the visit.')
  assert.equal(why('up', '2026-11-22T10:58:59.000Z'), 'Why it was not reached is not recorded.')
})
