import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unanswered } from '../../lib/visitors.ts'
import { databaseKilled } from '../list/database.ts'
import { nginxKilled } from '../list/nginx.ts'
import { replicaKilled } from '../list/replicas.ts'
import { findIn } from './findings.ts'
import { brokenPromises, endsWell, summaryOf, type Trial } from './promises.ts'

const ledger = { counter: 0, maxId: 0, rows: 0, sumHits: 0, logged: [] }

function trial(besides: Partial<Trial>): Trial {
  return {
    fault: replicaKilled,
    replicas: 3,
    injectedAt: 1000,
    overAt: 2000,
    views: [],
    findings: findIn([], 0, ledger),
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

test('nothing that failed, nothing that is wrong in the log: every promise is kept', () => {
  assert.deepEqual(brokenPromises(trial({})), [])
})

test('a replica that dies costs no page view, a database that is away costs those it has to', () => {
  assert.equal(brokenPromises(trial({ views: [refusal] })).length, 1)
  assert.deepEqual(brokenPromises(trial({ views: [refusal], fault: databaseKilled })), [])
})

test('a refusal must come from a replica, and say when to try again', () => {
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

test('only where NGINX dies may a page view get no answer', () => {
  assert.deepEqual(brokenPromises(trial({ views: [silence], fault: nginxKilled })), [])
  assert.equal(brokenPromises(trial({ views: [silence], fault: databaseKilled })).length, 1)
})

test('a slow answer, a late return and none at all are broken promises', () => {
  const slow = { ...refusal, status: 200, took: 3500 }
  assert.match(brokenPromises(trial({ views: [slow] })).join(), /3500 ms/)
  assert.match(brokenPromises(trial({ fault: databaseKilled, recovery: 5200 })).join(), /after 5200 ms/)
  assert.match(brokenPromises(trial({ recovery: null })).join(), /not all replicas came back/)
})

test('every kind of error in the log is told', () => {
  const row = { id: 1, requestId: 'a', clientIp: '127.1.0.1', serverId: 1, at: '' }
  const doubt = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(serverId => ({ ...row, serverId }))
  const findings = {
    lost: [refusal],
    countedTwice: [row],
    countedAfterAll: [row],
    inDoubt: doubt,
    unheard: [row],
    unexplained: [row],
    gaps: 1,
    backwards: 1,
    counter: 1,
    figures: [1, 2, 2, 2],
  }
  assert.equal(brokenPromises(trial({ findings })).length, 8)
})

test('what a replica still holds afterwards is told', () => {
  const residue = { mostMemory: 2 ** 30, queued: 1, streams: 1 }
  assert.equal(brokenPromises(trial({ residue })).length, 3)
})

test('where a page view may fail for a moment only, one begun later may not', () => {
  const fault = { ...databaseKilled, allowsFor: 400 }
  assert.deepEqual(brokenPromises(trial({ views: [{ ...refusal, startedAt: 1400 }], fault })), [])
  const late = brokenPromises(trial({ views: [{ ...refusal, startedAt: 1401 }], fault }))
  assert.deepEqual(late, [
    'page views that failed more than 400 ms after the fault began: 1 × 503 counter_unavailable',
  ])
})

test('rows may have earlier times than those before them only where the database’s clock is set back', () => {
  const findings = { ...findIn([], 0, ledger), backwards: 1 }
  assert.equal(brokenPromises(trial({ findings })).length, 1)
  assert.deepEqual(brokenPromises(trial({ findings, fault: { ...replicaKilled, setsClockBack: true } })), [])
})

test('what a fault finds broken by its own means is told', () => {
  assert.deepEqual(brokenPromises(trial({ complaints: ['web-1 is not well'] })), ['web-1 is not well'])
})

test('a run ends well when no promise was broken, whatever could not be tried', () => {
  assert.ok(endsWell(['kept', 'not tried'], false))
  assert.ok(!endsWell(['kept', 'broken', 'not tried'], false))
})

test('a broken build is found only when every fault that should find it was tried and did', () => {
  assert.ok(endsWell(['broken', 'broken'], true))
  assert.ok(!endsWell(['broken', 'kept'], true))
  assert.ok(!endsWell(['broken', 'not tried'], true))
  assert.ok(!endsWell(['not tried'], true))
  assert.ok(!endsWell([], true))
})

test('the last line says what was not tried, and never that promises were kept that were not looked at', () => {
  assert.equal(summaryOf(['kept', 'kept'], 12.3), '2 faults in 12 s: every promise was kept')
  assert.equal(summaryOf(['kept', 'not tried'], 5), '1 faults in 5 s: every promise was kept; 1 not tried')
  assert.equal(summaryOf(['broken', 'kept'], 5), '2 faults in 5 s: 1 broke a promise')
  assert.equal(summaryOf(['not tried'], 5), 'no fault was tried; 1 not tried')
})
