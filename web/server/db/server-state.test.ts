import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  forgottenAfterSeconds,
  heartbeatSeconds,
  lostAfterSeconds,
  silentAfterSeconds,
} from '../../shared/limits.ts'
import { formatErrorCodes, parseErrorCodes } from './server-state.ts'

test('counts by code come back from a server’s row as they were written', () => {
  const codes = { overloaded: 3, outcome_unknown: 1 }
  assert.equal(formatErrorCodes(codes), 'overloaded:3,outcome_unknown:1')
  assert.deepEqual(parseErrorCodes(formatErrorCodes(codes)), codes)
  assert.deepEqual([parseErrorCodes(formatErrorCodes({})), parseErrorCodes(null)], [{}, {}])
})

test('every code of a page view at its highest count has room in the column', () => {
  const codes = ['counter_unavailable', 'outcome_unknown', 'overloaded', 'shutting_down', 'internal_error']
  const most = Object.fromEntries(codes.map(code => [code, 2 ** 32 - 1]))
  assert.ok(formatErrorCodes(most).length <= 255)
})

test('a server is silent once a heartbeat is late, then lost, then forgotten', () => {
  const order = [heartbeatSeconds, silentAfterSeconds, lostAfterSeconds, forgottenAfterSeconds]
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  )
  assert.ok(silentAfterSeconds > heartbeatSeconds)
})
