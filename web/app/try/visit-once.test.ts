import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeOf } from './visit-once.ts'

const visit = {
  hit: 7,
  srv_id: 'a'.repeat(32),
  server: 'web-1',
  client_ip: '127.0.0.1',
  arrival: 'new',
  moved_from: null,
  at: '2026-11-22T12:00:00.000Z',
}

const error = (code: string) => JSON.stringify({ error: { code, message: 'why' } })

test('an answer says which server', () => {
  assert.deepEqual(outcomeOf(true, JSON.stringify(visit)), {
    kind: 'answered',
    srv_id: visit.srv_id,
    server: 'web-1',
  })
})

test('an error means not counted, unless its code says that nobody knows', () => {
  assert.equal(outcomeOf(false, error('counter_unavailable')).kind, 'failed')
  assert.equal(outcomeOf(false, error('too_many_requests')).kind, 'failed')
  assert.equal(outcomeOf(false, error('outcome_unknown')).kind, 'unknown')
  assert.equal(outcomeOf(false, error('no_answer')).kind, 'unknown')
})

test('a server that refuses does not speak for one that was asked before it', () => {
  assert.equal(outcomeOf(false, error('counter_unavailable'), true).kind, 'unknown')
})

test('what cannot be read is unknown', () => {
  assert.equal(outcomeOf(true, '<!doctype html>').kind, 'unknown')
  assert.equal(outcomeOf(false, '').kind, 'unknown')
})
