import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, unanswered } from '../../lib/visitors.ts'
import { countBatches, findIn, type Ledger, type LoggedHit } from './findings.ts'

const address = '127.1.0.1'

const answered = (hit: number, requestId: string): Answer => ({
  ...unanswered(address),
  status: 200,
  hit,
  requestId,
})
const refused = (requestId: string, code: string): Answer => ({
  ...unanswered(address),
  status: 503,
  requestId,
  code,
})

const row = (id: number, requestId: string, besides: Partial<LoggedHit> = {}): LoggedHit => ({
  id,
  requestId,
  clientIp: address,
  serverId: 1,
  at: '2026-01-01 00:00:00.000',
  ...besides,
})

function ledger(logged: LoggedHit[], besides: Partial<Ledger> = {}): Ledger {
  const n = logged.length
  return { counter: n, maxId: n, rows: n, sumHits: n, logged, ...besides }
}

test('answers that agree with the log give no findings', () => {
  const findings = findIn([answered(1, 'a'), answered(2, 'b')], 0, ledger([row(1, 'a'), row(2, 'b')]))
  assert.deepEqual(findings, {
    lost: [],
    countedTwice: [],
    countedAfterAll: [],
    inDoubt: [],
    unanswered: [],
    unexplained: [],
    gaps: 0,
    backwards: 0,
    counter: 2,
    totals: [2, 2, 2, 2],
  })
})

test('a number from an answer is lost if it is not in the log, or is there for another request', () => {
  const findings = findIn([answered(1, 'a'), answered(2, 'b')], 0, ledger([row(1, 'other')]))
  assert.deepEqual(
    findings.lost.map(({ hit }) => hit),
    [1, 2],
  )
})

test('a request with two log rows was counted twice, and only the second row is a finding', () => {
  const { countedTwice, unexplained } = findIn([answered(2, 'a')], 0, ledger([row(1, 'a'), row(2, 'a')]))
  assert.deepEqual([countedTwice, unexplained], [[row(2, 'a')], []])
})

test('a row without an answer is attributed to the page view that may have caused it', () => {
  const answers = [
    refused('u', 'outcome_unknown'),
    refused('n', 'counter_unavailable'),
    { ...refused('e', 'counter_unavailable'), earlierTry: true },
    unanswered('127.1.0.9'),
  ]
  const away = { clientIp: '127.1.0.9' }
  const log = [row(1, 'u'), row(2, 'n'), row(3, 'x', away), row(4, 'y', away), row(5, 'z'), row(6, 'e')]
  const found = findIn(answers, 0, ledger(log))
  assert.deepEqual(found.inDoubt, [row(1, 'u'), row(6, 'e')])
  assert.deepEqual(found.countedAfterAll, [row(2, 'n')])
  assert.deepEqual(found.unanswered, [row(3, 'x', away)])
  assert.deepEqual(found.unexplained, [row(4, 'y', away), row(5, 'z')])
})

test('a number without a row is a gap, and a row with an earlier time than the row before is counted', () => {
  const log = [row(11, 'a', { at: '2026-01-01 00:00:01.000' }), row(13, 'b')]
  const { gaps, backwards } = findIn([answered(11, 'a'), answered(13, 'b')], 10, ledger(log, { counter: 13 }))
  assert.deepEqual([gaps, backwards], [1, 1])
})

test('rows with the same server and time are one batch', () => {
  const hits = [row(1, 'a'), row(2, 'b'), row(3, 'c', { serverId: 2 }), row(4, 'd', { at: 'later' })]
  assert.equal(countBatches(hits), 3)
})
