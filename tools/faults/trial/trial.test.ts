import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, unanswered } from '../../lib/visitors.ts'
import { databaseKilled } from '../list/database.ts'
import { nginxKilled } from '../list/nginx.ts'
import { replicaKilled } from '../list/replicas.ts'
import { countBatches, findIn, type Ledger, type LoggedHit } from './findings.ts'
import { brokenPromises, recoveryTime, succeeded, summaryOf, type Trial } from './promises.ts'
import { asMarkdown, columns, rowOf, unreportedText } from './report.ts'

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

const emptyLedger = { counter: 0, maxId: 0, rows: 0, sumHits: 0, logged: [] }

function trial(besides: Partial<Trial>): Trial {
  return {
    fault: replicaKilled,
    replicas: 3,
    injectedAt: 1000,
    overAt: 2000,
    views: [],
    findings: findIn([], 0, emptyLedger),
    recovery: 100,
    residue: { mostMemory: 0, queued: 0, streams: 0 },
    complaints: [],
    ...besides,
  }
}

const refusal = {
  ...unanswered('127.1.0.1'),
  status: 503,
  code: 'counter_unavailable',
  retryAfter: true,
  startedAt: 1500,
  took: 10,
}
const silence = { ...unanswered('127.1.0.1'), startedAt: 1500, took: 10 }

test('no failure and no error in the log: every promise is kept', () => {
  assert.deepEqual(brokenPromises(trial({})), [])
})

test('a page view must not fail when a replica dies, and may fail when the database is down', () => {
  assert.equal(brokenPromises(trial({ views: [refusal] })).length, 1)
  assert.deepEqual(brokenPromises(trial({ views: [refusal], fault: databaseKilled })), [])
})

test('a refusal must come from a replica and carry Retry-After', () => {
  for (const wrong of [
    { code: 'no_replica' },
    { code: 'no_answer' },
    { retryAfter: false },
    { status: 502 },
  ]) {
    const views = [{ ...refusal, ...wrong }]
    assert.equal(brokenPromises(trial({ views, fault: databaseKilled })).length, 1)
  }
})

test('a page view may get no answer only when NGINX dies', () => {
  assert.deepEqual(brokenPromises(trial({ views: [silence], fault: nginxKilled })), [])
  assert.equal(brokenPromises(trial({ views: [silence], fault: databaseKilled })).length, 1)
})

test('a slow answer, a late recovery and no recovery are broken promises', () => {
  const slow = { ...refusal, status: 200, took: 3500 }
  assert.match(brokenPromises(trial({ views: [slow] })).join(), /3500 ms/)
  assert.match(brokenPromises(trial({ fault: databaseKilled, recovery: 5200 })).join(), /after 5200 ms/)
  assert.match(brokenPromises(trial({ recovery: null })).join(), /not all replicas came back/)
})

test('every kind of error in the log is reported', () => {
  const row = { id: 1, requestId: 'a', clientIp: '127.1.0.1', serverId: 1, at: '' }
  const doubt = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(serverId => ({ ...row, serverId }))
  const findings = {
    lost: [refusal],
    countedTwice: [row],
    countedAfterAll: [row],
    inDoubt: doubt,
    unanswered: [row],
    unexplained: [row],
    gaps: 1,
    backwards: 1,
    counter: 1,
    totals: [1, 2, 2, 2],
  }
  assert.equal(brokenPromises(trial({ findings })).length, 8)
})

test('what a replica still holds afterwards is reported', () => {
  const residue = { mostMemory: 2 ** 30, queued: 1, streams: 1 }
  assert.equal(brokenPromises(trial({ residue })).length, 3)
})

test('a page view that starts after the allowed time must not fail', () => {
  const fault = { ...databaseKilled, allowsForMs: 400 }
  assert.deepEqual(brokenPromises(trial({ views: [{ ...refusal, startedAt: 1400 }], fault })), [])
  const late = brokenPromises(trial({ views: [{ ...refusal, startedAt: 1401 }], fault }))
  assert.deepEqual(late, [
    'page views that failed more than 400 ms after the fault began: 1 × 503 counter_unavailable',
  ])
})

test('a row may be earlier than the row before only if the fault sets the database’s clock back', () => {
  const findings = { ...findIn([], 0, emptyLedger), backwards: 1 }
  assert.equal(brokenPromises(trial({ findings })).length, 1)
  assert.deepEqual(brokenPromises(trial({ findings, fault: { ...replicaKilled, setsClockBack: true } })), [])
})

test('complaints of a fault are reported', () => {
  assert.deepEqual(brokenPromises(trial({ complaints: ['web-1 is not well'] })), ['web-1 is not well'])
})

test('a run succeeds if no promise was broken, even if some faults were not tried', () => {
  assert.ok(succeeded(['kept', 'not tried'], false))
  assert.ok(!succeeded(['kept', 'broken', 'not tried'], false))
})

test('a broken build counts as detected only if every fault that should detect it ran and did', () => {
  assert.ok(succeeded(['broken', 'broken'], true))
  assert.ok(!succeeded(['broken', 'kept'], true))
  assert.ok(!succeeded(['broken', 'not tried'], true))
  assert.ok(!succeeded(['not tried'], true))
  assert.ok(!succeeded([], true))
})

test('the last line counts the faults that were not tried, and claims nothing about them', () => {
  assert.equal(summaryOf(['kept', 'kept'], 12.3), '2 faults in 12 s: every promise was kept')
  assert.equal(summaryOf(['kept', 'not tried'], 5), '1 faults in 5 s: every promise was kept; 1 not tried')
  assert.equal(summaryOf(['broken', 'kept'], 5), '2 faults in 5 s: 1 broke a promise')
  assert.equal(summaryOf(['not tried'], 5), 'no fault was tried; 1 not tried')
})

const view = (srvId: string | null, startedAt: number, took: number) => ({
  ...unanswered('127.1.0.1'),
  status: srvId ? 200 : 503,
  srvId,
  startedAt,
  took,
})

test('recovery ends with the first answer of the last replica that came back', () => {
  const views = [view('a', 1000, 10), view('b', 1500, 20), view('b', 1600, 20), view('a', 1700, 10)]
  assert.equal(recoveryTime(views, 1000, ['a', 'b']), 520)
})

test('recovery lasts while page views fail', () => {
  const views = [view('a', 1000, 10), view(null, 1100, 1500)]
  assert.equal(recoveryTime(views, 1000, ['a']), 1600)
})

test('an answer to a page view that started earlier does not count as recovery', () => {
  assert.equal(recoveryTime([view('a', 999, 50)], 1000, ['a']), null)
})

const unansweredRow = (id: number) => ({
  id,
  requestId: `r${id}`,
  clientIp: '127.1.0.1',
  serverId: 1,
  at: '',
})
const views = [1, 2, 3, 4].map(() => ({ ...unanswered('127.1.0.1'), took: 1260 }))

const killedNginx = {
  fault: nginxKilled,
  replicas: 3,
  injectedAt: 0,
  overAt: 0,
  views,
  findings: findIn(views, 0, {
    counter: 4,
    maxId: 4,
    rows: 4,
    sumHits: 4,
    logged: [unansweredRow(1), unansweredRow(2), unansweredRow(3), unansweredRow(9)],
  }),
  recovery: null,
  residue: { mostMemory: 0, queued: 0, streams: 0 },
  complaints: [],
}

test('a trial is a table row: page views, failures, slowest answer, time to recover', () => {
  const cells = rowOf(killedNginx)
  assert.equal(cells.length, columns.length)
  assert.equal(asMarkdown(cells), '| NGINX killed | 4 | 4 | 0 | 0 | 1.3 s | never |')
})

test('numbers in no answer are listed, runs of them by their ends', () => {
  assert.equal(
    unreportedText(killedNginx),
    'in the log, and in no answer: 4 (1–3, 9) of visitors that got no answer',
  )
})
