import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, unanswered } from '../../lib/visitors.ts'
import { countBatches, findIn, type Ledger, type LoggedHit } from './findings.ts'

const address = '127.1.0.1'

const told = (hit: number, requestId: string): Answer => ({
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

test('a record that agrees with the log has nothing to find', () => {
  const findings = findIn([told(1, 'a'), told(2, 'b')], 0, ledger([row(1, 'a'), row(2, 'b')]))
  assert.deepEqual(findings, {
    lost: [],
    countedTwice: [],
    countedAfterAll: [],
    inDoubt: [],
    unheard: [],
    unexplained: [],
    gaps: 0,
    backwards: 0,
    counter: 2,
    figures: [2, 2, 2, 2],
  })
})

test('a number told is lost when it is not in the log, or stands there for another request', () => {
  const findings = findIn([told(1, 'a'), told(2, 'b')], 0, ledger([row(1, 'other')]))
  assert.deepEqual(
    findings.lost.map(({ hit }) => hit),
    [1, 2],
  )
})

test('a request that stands in the log twice was counted twice, and only the second time is one too many', () => {
  const { countedTwice, unexplained } = findIn([told(2, 'a')], 0, ledger([row(1, 'a'), row(2, 'a')]))
  assert.deepEqual([countedTwice, unexplained], [[row(2, 'a')], []])
})

test('a row that nobody was told of is laid to whoever may have asked for it', () => {
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
  assert.deepEqual(found.unheard, [row(3, 'x', away)])
  assert.deepEqual(found.unexplained, [row(4, 'y', away), row(5, 'z')])
})

test('a number without a row is a gap, and an earlier time after a later one is told', () => {
  const log = [row(11, 'a', { at: '2026-01-01 00:00:01.000' }), row(13, 'b')]
  const { gaps, backwards } = findIn([told(11, 'a'), told(13, 'b')], 10, ledger(log, { counter: 13 }))
  assert.deepEqual([gaps, backwards], [1, 1])
})

test('rows of one server and one time came in one batch', () => {
  const hits = [row(1, 'a'), row(2, 'b'), row(3, 'c', { serverId: 2 }), row(4, 'd', { at: 'later' })]
  assert.equal(countBatches(hits), 3)
})
