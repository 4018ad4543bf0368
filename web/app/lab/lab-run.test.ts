import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { experimentNames, parametersOfExperiment } from './experiments.ts'
import {
  emptyTally,
  labOutcome,
  ownOutcome,
  runText,
  sendVisits,
  tallyAfter,
  type VisitOutcome,
  withOutcome,
} from './lab-run.ts'
import { changesOf, parametersOf, presetOf, type Setup, setupOf, visitsOf } from './lab-setup.ts'

const servers = ['web-1', 'web-2', 'web-3']

function queryOf(setup: Setup): string {
  const set = Object.entries(parametersOf(setup, servers)).filter(([, value]) => value !== '')
  return `?${new URLSearchParams(set)}`
}

test('each experiment is one parameter of the address, the first one none', () => {
  for (const [place, name] of experimentNames.entries()) {
    const preset = presetOf(name, servers)
    assert.equal(queryOf(preset), place === 0 ? '?' : `?lab=${name}`)
    assert.deepEqual(setupOf(queryOf(preset), servers), preset)
    // Choosing it removes whatever else the address may have.
    const all = { ...parametersOf(preset, servers), lab: name }
    assert.deepEqual(parametersOfExperiment(name), all)
  }
})

test('the address keeps a set-up, also one that takes away what the experiment sets', () => {
  const setup: Setup = {
    experiment: 'slow-server',
    policies: ['hash', 'cookie'],
    visits: 300,
    concurrency: 1,
    returning: true,
    slow: null,
    fail: 'web-1',
  }
  assert.deepEqual(setupOf(queryOf(setup), servers), setup)
  const slow = { ...setup, slow: { server: 'web-3', ms: 100 }, fail: null }
  assert.deepEqual(setupOf(queryOf(slow), servers), slow)
})

test('a server that is away stays chosen, and the address names it', () => {
  const here = ['web-1', 'web-2']
  // The link names a server that is away.
  assert.equal(setupOf('?lab=fair-shares&lab_fail=web-3', here, servers).fail, 'web-3')
  assert.deepEqual(setupOf('?lab_slow=web-3:100', here, servers).slow, { server: 'web-3', ms: 100 })
  // What an experiment chooses without that server has to be named: with it, the choice is another.
  const setup = setupOf('?lab=dead-server', here, servers)
  assert.equal(setup.fail, 'web-2')
  assert.equal(parametersOf(setup, here, servers).lab_fail, 'web-2')
  const back = { ...setup, fail: 'web-3' }
  assert.equal(parametersOf(back, here, servers).lab_fail, 'web-3')
  assert.equal(parametersOf({ ...setup, fail: null }, here, servers).lab_fail, 'none')
  assert.equal(changesOf(setup, { ...setup, visits: 300 }, here, servers).lab_fail, 'web-2')
  // A name that this page does not know stays in the address until the reader chooses another.
  const unknown = setupOf('?lab_fail=web-9', servers)
  assert.deepEqual(changesOf(unknown, { ...unknown, visits: 300 }, servers, servers), { lab_visits: '300' })
  assert.equal(changesOf(unknown, { ...unknown, fail: 'web-1' }, servers, servers).lab_fail, 'web-1')
  assert.equal(changesOf({ ...unknown, fail: 'web-1' }, unknown, servers, servers).lab_fail, '')
})

test('what makes no sense in the address is ignored', () => {
  const preset = presetOf('slow-server', servers)
  for (const wrong of [
    'lab_policies=fastest,',
    'lab_visits=61',
    'lab_visits=1e3',
    'lab_concurrent=6.0',
    'lab_concurrent=-1',
    'lab_visitors=all',
    'lab_slow=web-9:400',
    'lab_slow=web-1:401',
    'lab_slow=web-1',
    'lab_slow=:',
    'lab_fail=web-9',
    'lab_fail=__proto__',
  ])
    assert.deepEqual(setupOf(`?lab=slow-server&${wrong}`, servers), preset, wrong)
  assert.deepEqual(setupOf('?lab=constructor', servers), presetOf('fair-shares', servers))
  assert.deepEqual(setupOf('?lab_policies=hash,fastest', servers).policies, ['hash'])
})

test('without servers nothing is slow and nothing fails', () => {
  for (const name of experimentNames) {
    const { slow, fail } = presetOf(name, [])
    assert.deepEqual([slow, fail], [null, null])
  }
  assert.deepEqual(presetOf('slow-server', ['web-1']).slow, { server: 'web-1', ms: 400 })
})

test('a run sends at most 60 visits that count for a policy', () => {
  const setup: Setup = { ...presetOf('one-office', servers), visits: 300 }
  assert.equal(visitsOf('hash', setup), 300)
  assert.equal(visitsOf('cookie', setup), 60)
  assert.equal(visitsOf('no_cookie', setup), 60)
})

function by(server: string, visitor: string | null = null) {
  const measured = { ms: 2, retries: 0, unplanned: 0, slow: false, consistent: null }
  return { kind: 'answered' as const, srv_id: `id of ${server}`, server, visitor, ...measured }
}

test('it sends the given number, the first alone, then no more in flight than allowed', async () => {
  let underWay = 0
  const together: number[] = []
  const outcomes: VisitOutcome[] = []
  const places: number[] = []
  await sendVisits({
    count: 20,
    concurrency: 6,
    signal: new AbortController().signal,
    onOutcome: outcome => outcomes.push(outcome),
    visit: async place => {
      places.push(place)
      together.push(++underWay)
      await setImmediate()
      underWay--
      return by('web-1')
    },
  })
  assert.equal(outcomes.length, 20)
  assert.deepEqual(places, [...Array(20).keys()])
  assert.deepEqual(together.slice(0, 2), [1, 1])
  assert.equal(Math.max(...together), 6)
})

test('after an abort it sends no more, and accounts for those in flight', async () => {
  const stop = new AbortController()
  const outcomes: VisitOutcome[] = []
  let sent = 0
  await sendVisits({
    count: 60,
    concurrency: 6,
    signal: stop.signal,
    onOutcome: outcome => outcomes.push(outcome),
    visit: async () => {
      if (++sent === 10) stop.abort()
      await setImmediate()
      return stop.signal.aborted ? { kind: 'unknown' } : by('web-1')
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

const outcomeOf = (status: number, text: string, earlierTry = false) =>
  ownOutcome('cookie', 3, status, text, earlierTry)

test('an answer says which server, and for a cookie which visitor', () => {
  const seen = { ...by('web-1'), srv_id: visit.srv_id, ms: 3 }
  assert.deepEqual(outcomeOf(200, JSON.stringify(visit)), { ...seen, visitor: 'you' })
  assert.deepEqual(ownOutcome('no_cookie', 3, 200, JSON.stringify(visit)), { ...seen, visitor: null })
})

test('an error means not counted, unless its code says that this is unknown', () => {
  assert.equal(outcomeOf(503, error('counter_unavailable')).kind, 'failed')
  assert.equal(outcomeOf(503, error('outcome_unknown')).kind, 'unknown')
  assert.equal(outcomeOf(502, error('no_answer')).kind, 'unknown')
})

test('a refusal does not cover a server that was tried earlier', () => {
  assert.equal(outcomeOf(503, error('counter_unavailable'), true).kind, 'unknown')
})

test('an unreadable answer is unknown', () => {
  assert.equal(outcomeOf(200, '<!doctype html>').kind, 'unknown')
  assert.equal(outcomeOf(503, '').kind, 'unknown')
})

test('429 ends a run, and counts as no visit', () => {
  const refused = outcomeOf(429, error('too_many_requests'))
  assert.equal(refused.kind, 'refused')
  assert.equal(labOutcome(429, error('too_many_requests'), seen).kind, 'refused')
  assert.deepEqual(withOutcome(emptyTally, refused), emptyTally)
  assert.deepEqual(withOutcome(emptyTally, { kind: 'cancelled' }), emptyTally)
})

// Visits of the lab.

const seen = { visitor: 'visitor-1', ms: 4, tries: '200', hash: 'hash consistent' }
const labVisit = (waited_ms = 0) =>
  JSON.stringify({ server: 'web-2', srv_id: 'id of web-2', policy: 'hash', waited_ms })

test('an answer of the lab says how many tries failed, and whether it was held back', () => {
  const expected = { ...by('web-2', 'visitor-1'), ms: 4, consistent: true }
  assert.deepEqual(labOutcome(200, labVisit(), seen), expected)
  assert.deepEqual(labOutcome(200, labVisit(300), { ...seen, tries: '503, 503, 200', hash: 'hash' }), {
    ...expected,
    retries: 2,
    slow: true,
    consistent: false,
  })
  // A server that fails on purpose answers 503; others did not answer.
  assert.deepEqual(labOutcome(200, labVisit(), { ...seen, tries: '504, 503 : 502, 200' }), {
    ...expected,
    retries: 3,
    unplanned: 2,
  })
  assert.deepEqual(labOutcome(200, labVisit(), { ...seen, tries: null, hash: null }), {
    ...expected,
    consistent: null,
  })
})

test('a visit that no server answered failed; one with a wrong parameter ends the run and says why', () => {
  assert.equal(labOutcome(503, error('lab_failure'), seen).kind, 'failed')
  assert.equal(labOutcome(502, '', seen).kind, 'failed')
  const refused = labOutcome(400, error('bad_parameter'), seen)
  assert.match(refused.kind === 'refused' ? refused.why : '', /\(400\).* why$/)
  assert.equal(labOutcome(200, '<!doctype html>', seen).kind, 'refused')
})

const tallyOf = (outcomes: VisitOutcome[]) => outcomes.reduce(withOutcome, emptyTally)

test('answers are counted by server', () => {
  const { servers, answered } = tallyOf([by('web-1'), by('web-2'), by('web-1')])
  assert.equal(answered, 3)
  assert.deepEqual(Object.values(servers), [
    { name: 'web-1', visits: 2 },
    { name: 'web-2', visits: 1 },
  ])
})

test('a visitor has moved if another server answered than the time before, in this run or the last', () => {
  const first = tallyOf([by('web-1', 'a'), by('web-2', 'b'), by('web-1', 'a'), by('web-1', 'c')])
  assert.deepEqual(first.moved, { a: false })
  const second = [by('web-1', 'a'), by('web-1', 'b'), by('web-1', 'b'), by('web-3', 'd'), by('web-1')]
  assert.deepEqual(second.reduce(withOutcome, tallyAfter(first)).moved, { a: false, b: true })
  assert.equal(second.reduce(withOutcome, tallyAfter(first)).answered, 5)
  assert.deepEqual(tallyOf([by('web-1', 'a'), by('web-2', 'a'), by('web-2', 'a')]).moved, { a: true })
})

test('retries, slow answers and times are added up', () => {
  const slow = { ...by('web-2'), retries: 2, unplanned: 1, slow: true, ms: 400 }
  const { retries, unplanned, slow: slowAnswers, times } = tallyOf([by('web-1'), slow, by('web-1')])
  assert.deepEqual([retries, unplanned, slowAnswers, times], [2, 1, 1, [2, 400, 2]])
})

test('the text of a run accounts for every visit', () => {
  const counted = (outcomes: VisitOutcome[], planned: number) =>
    runText('no_cookie', tallyOf(outcomes), planned)
  assert.equal(counted([by('web-1'), by('web-1')], 2), 'Without a cookie: 2 visits counted by 1 server.')
  assert.equal(
    counted([by('web-1'), by('web-2'), { kind: 'failed' }, { kind: 'unknown' }], 60),
    'Without a cookie: 2 visits counted by 2 servers. 1 visit refused, not counted. 1 visit without an answer: may be counted. 56 visits not sent or cancelled.',
  )
  assert.equal(
    counted([{ kind: 'failed' }], 1),
    'Without a cookie: 0 visits counted. 1 visit refused, not counted.',
  )
  assert.equal(
    runText('hash', tallyOf([by('web-1'), { kind: 'failed' }]), 3),
    'Hash of a key: 1 visit answered by 1 server. 1 visit failed: no server served it. 1 visit not sent or cancelled.',
  )
})
