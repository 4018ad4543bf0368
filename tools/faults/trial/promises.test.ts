import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unanswered } from '../../lib/visitors.ts'
import { databaseKilled } from '../list/database.ts'
import { nginxKilled } from '../list/nginx.ts'
import { replicaKilled } from '../list/replicas.ts'
import { findIn } from './findings.ts'
import { brokenPromises, succeeded, summaryOf, type Trial } from './promises.ts'

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
  const findings = { ...findIn([], 0, ledger), backwards: 1 }
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
