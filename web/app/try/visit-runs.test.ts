import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import {
  emptyTally,
  outcomeOf,
  runRows,
  runText,
  sendVisits,
  type VisitOutcome,
  withOutcome,
} from './visit-runs.ts'

const answered: VisitOutcome = { kind: 'answered', srv_id: 'a', server: 'web-1' }

test('it sends the given number, the first alone, then no more in flight than allowed', async () => {
  let underWay = 0
  const together: number[] = []
  const outcomes: VisitOutcome[] = []
  await sendVisits({
    count: 20,
    atOnce: 6,
    signal: new AbortController().signal,
    onOutcome: outcome => outcomes.push(outcome),
    visit: async () => {
      together.push(++underWay)
      await setImmediate()
      underWay--
      return answered
    },
  })
  assert.equal(outcomes.length, 20)
  assert.deepEqual(together.slice(0, 2), [1, 1])
  assert.equal(Math.max(...together), 6)
})

test('after an abort it sends no more, and accounts for those in flight', async () => {
  const stop = new AbortController()
  const outcomes: VisitOutcome[] = []
  let sent = 0
  await sendVisits({
    count: 60,
    atOnce: 6,
    signal: stop.signal,
    onOutcome: outcome => outcomes.push(outcome),
    visit: async () => {
      if (++sent === 10) stop.abort()
      await setImmediate()
      return stop.signal.aborted ? { kind: 'unknown' } : answered
    },
  })
  assert.ok(sent < 20)
  assert.equal(outcomes.length, sent)
})

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

test('an error means not counted, unless its code says that this is unknown', () => {
  assert.equal(outcomeOf(false, error('counter_unavailable')).kind, 'failed')
  assert.equal(outcomeOf(false, error('too_many_requests')).kind, 'failed')
  assert.equal(outcomeOf(false, error('outcome_unknown')).kind, 'unknown')
  assert.equal(outcomeOf(false, error('no_answer')).kind, 'unknown')
})

test('a refusal does not cover a server that was tried earlier', () => {
  assert.equal(outcomeOf(false, error('counter_unavailable'), true).kind, 'unknown')
})

test('an unreadable answer is unknown', () => {
  assert.equal(outcomeOf(true, '<!doctype html>').kind, 'unknown')
  assert.equal(outcomeOf(false, '').kind, 'unknown')
})

const by = (server: string): VisitOutcome => ({ kind: 'answered', srv_id: `id of ${server}`, server })
const tallyOf = (outcomes: VisitOutcome[]) => outcomes.reduce(withOutcome, emptyTally)

test('answers are counted by server', () => {
  const { servers, answered } = tallyOf([by('web-1'), by('web-2'), by('web-1')])
  assert.equal(answered, 3)
  assert.deepEqual(Object.values(servers), [
    { name: 'web-1', visits: 2 },
    { name: 'web-2', visits: 1 },
  ])
})

test('the text of a run accounts for every visit', () => {
  assert.equal(runText(tallyOf([by('web-1'), by('web-1')]), 2), '2 visits counted by 1 server.')
  assert.equal(
    runText(tallyOf([by('web-1'), by('web-2'), { kind: 'failed' }, { kind: 'unknown' }]), 60),
    '2 visits counted by 2 servers. 1 visit refused, not counted. 1 visit without an answer: may be counted. 56 visits not sent.',
  )
  assert.equal(runText(tallyOf([{ kind: 'failed' }]), 1), '0 visits counted. 1 visit refused, not counted.')
})

test('servers that can answer have a row before any visit, and servers that answered keep one', () => {
  const servers = [
    { srv_id: 'a', name: 'web-1', state: 'up' },
    { srv_id: 'b', name: 'web-2', state: 'lost' },
    { srv_id: 'c', name: 'web-3', state: 'stopped' },
  ] as const
  const tally = withOutcome(emptyTally, { kind: 'answered', srv_id: 'b', server: 'web-2' })
  assert.deepEqual(
    runRows([...servers], [null, null]).map(({ name }) => name),
    ['web-1'],
  )
  assert.deepEqual(
    runRows([...servers], [tally, null]).map(({ name }) => name),
    ['web-1', 'web-2'],
  )
})
