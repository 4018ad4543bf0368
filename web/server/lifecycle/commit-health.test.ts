import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CommitFailed } from '../hits/hit.ts'
import { CommitHealth, CounterWatch, FailureLog, Readiness } from './commit-health.ts'

/** Runs everything that waits only for promises. */
const settle = () => new Promise<void>(resolve => setImmediate(resolve))

const cause = (code: string) => Object.assign(new Error(`the cause ${code}`), { code })
const away = new CommitFailed('rolled_back', 'away', cause('ECONNREFUSED'))
const refused = new CommitFailed('rolled_back', 'refused', cause('ER_DISK_FULL'))
const contention = new CommitFailed('rolled_back', 'contention', cause('ER_LOCK_WAIT_TIMEOUT'))
const repeat = new CommitFailed('rolled_back', 'repeat', cause('ER_DUP_ENTRY'))

const whyNot = (health: CommitHealth | Readiness) => health.unready?.code ?? null

/** A replica whose database answers each probe with `database.answer`; null = it would commit, 'silence' = no answer. */
function startHealth(t: TestContext, answer: CommitFailed | null | 'silence') {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const database = { answer, probes: 0, waits: false }
  const said: string[] = []
  const health = new CommitHealth({
    async probe(waits) {
      database.probes++
      database.waits = waits
      if (database.answer === 'silence') return new Promise(() => {})
      if (database.answer) throw database.answer
    },
    onChange: cannotCount => said.push(cannotCount ?? 'can count'),
    onFailure: failure => said.push(failure.code),
    onSuccess: () => said.push('success'),
  })
  t.after(() => health.stop())
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 50) {
      t.mock.timers.tick(50)
      await settle()
    }
  }
  return { health, database, said, pass }
}

test('a single failure, e.g. a broken connection, has no effect', async t => {
  const { health, said, pass } = startHealth(t, null)
  health.failed(away)
  await pass(1000)
  assert.equal(whyNot(health), null)
  assert.deepEqual(said, ['ECONNREFUSED', 'success'])
})

for (const [failure, code] of [
  [away, 'database_away'],
  [refused, 'commits_fail'],
] as const)
  test(`${failure.kind}: it cannot count once nothing has succeeded for a moment, until a probe succeeds`, async t => {
    const { health, database, said, pass } = startHealth(t, failure)
    health.failed(failure)
    await pass(250)
    assert.equal(whyNot(health), null)
    await pass(50)
    assert.equal(whyNot(health), code)
    assert.match(health.unready?.message ?? '', new RegExp(failure.code))
    assert.equal(database.waits, failure === refused, 'busy replicas must not hide that it refuses no longer')
    await pass(5000)
    assert.equal(whyNot(health), code)
    database.answer = null
    await pass(300)
    assert.equal(whyNot(health), null)
    assert.deepEqual(
      said.filter(text => text !== failure.code),
      [failure.kind, 'success', 'can count'],
    )
    const { probes } = database
    await pass(5000)
    assert.equal(database.probes, probes, 'a database that is well is not probed')
  })

test('a database that is back but refuses is no longer away', async t => {
  const { health, database, said, pass } = startHealth(t, away)
  health.failed(away)
  await pass(300)
  database.answer = refused
  await pass(300)
  assert.equal(whyNot(health), 'commits_fail')
  assert.deepEqual(
    said.filter(text => text === 'away' || text === 'refused'),
    ['away', 'refused'],
  )
})

test('a successful commit ends it too', async t => {
  const { health, pass } = startHealth(t, away)
  health.failed(away)
  await pass(300)
  health.succeeded()
  assert.equal(whyNot(health), null)
})

test('silence elsewhere counts once a probe gets no answer either', async t => {
  const { health, database, pass } = startHealth(t, 'silence')
  health.suspect()
  await pass(550)
  assert.equal(whyNot(health), null)
  await pass(50)
  assert.equal(whyNot(health), 'database_away')
  assert.equal(database.probes, 1, 'one probe at a time')
})

test('a database that answers a probe is not silent, whatever else is', async t => {
  const { health, pass } = startHealth(t, null)
  health.suspect()
  await pass(1000)
  assert.equal(whyNot(health), null)
})

test('locks that others hold, and page views that are counted already, are no fault of the database', async t => {
  const { health, database, said, pass } = startHealth(t, contention)
  health.failed(repeat)
  health.failed(contention)
  await pass(1000)
  assert.deepEqual([database.probes, health.unready, said], [0, null, ['ER_LOCK_WAIT_TIMEOUT']])
})

test('a probe that waits for a lock has reached the database, but does not show that the database accepts commits again', async t => {
  const { health, database, said, pass } = startHealth(t, away)
  health.failed(away)
  await pass(300)
  database.answer = contention
  await pass(300)
  assert.equal(whyNot(health), null)
  assert.ok(!said.includes('success'), 'nothing was counted')
  database.answer = refused
  health.failed(refused)
  await pass(300)
  database.answer = contention
  await pass(1000)
  assert.equal(whyNot(health), 'commits_fail')
})

test('a replica without visitors notices an outage by itself, and one that has just committed does not probe', async t => {
  const { health, database, pass } = startHealth(t, refused)
  health.succeeded()
  health.check(2000)
  assert.equal(database.probes, 0)
  health.check(0)
  await settle()
  await pass(300)
  assert.equal(whyNot(health), 'commits_fail')
})

test('once stopped it probes no more', async t => {
  const { health, database, pass } = startHealth(t, away)
  health.failed(away)
  await pass(300)
  health.stop()
  const { probes } = database
  await pass(2000)
  health.check(0)
  health.suspect()
  assert.equal(database.probes, probes)
})

const deniedCause = Object.assign(new Error('INSERT command denied'), { code: 'ER_TABLEACCESS_DENIED_ERROR' })
const denied = new CommitFailed('rolled_back', 'refused', deniedCause)
const line = 'page views cannot be counted: ER_TABLEACCESS_DENIED_ERROR: INSERT command denied'

function startLog() {
  const lines: string[] = []
  let now = 0
  const log = new FailureLog(
    text => lines.push(text),
    () => now,
  )
  const failEvery = (ms: number, times: number) => {
    for (let time = 0; time < times; time++) {
      log.failed(denied)
      now += ms
    }
  }
  return { lines, log, failEvery }
}

test('the first failure is logged immediately, and later ones every ten seconds with their number', () => {
  const { lines, failEvery } = startLog()
  failEvery(100, 1)
  assert.deepEqual(lines, [line])
  failEvery(100, 299)
  assert.deepEqual(lines, [
    line,
    `${line} (100 failures since the last line)`,
    `${line} (100 failures since the last line)`,
  ])
})

test('another error is also logged immediately', () => {
  const { lines, log, failEvery } = startLog()
  failEvery(100, 3)
  const lost = Object.assign(new Error('closed'), { code: 'PROTOCOL_CONNECTION_LOST' })
  log.failed(new CommitFailed('unknown', 'away', lost))
  assert.equal(
    lines[1],
    'page views cannot be counted: PROTOCOL_CONNECTION_LOST: closed (3 failures since the last line)',
  )
})

test('it logs the end once, and nothing if nothing failed', () => {
  const { lines, log, failEvery } = startLog()
  log.succeeded()
  assert.deepEqual(lines, [])
  failEvery(100, 5)
  log.succeeded()
  log.succeeded()
  assert.deepEqual(lines, [line, 'page views are counted again (4 failures since the last line)'])
})

test('alternating failures and successes write at most two lines in ten seconds', () => {
  const { lines, log, failEvery } = startLog()
  for (let time = 0; time < 300; time++) {
    failEvery(100, 1)
    log.succeeded()
  }
  assert.equal(lines.length, 6)
})

function watch() {
  const said: [number, number][] = []
  return { said, counter: new CounterWatch((from, to) => said.push([from, to])) }
}

test('a value below the one known when it was requested went back, and becomes the highest', () => {
  const { said, counter } = watch()
  counter.note(100, counter.highest)
  counter.note(60, counter.highest)
  counter.note(61, counter.highest)
  assert.deepEqual(said, [[100, 60]])
  assert.equal(counter.highest, 61)
})

test('a value that was requested before a higher one arrived did not go back', () => {
  const { said, counter } = watch()
  counter.note(100, counter.highest)
  const before = counter.highest
  counter.note(103, counter.highest)
  counter.note(101, before)
  assert.deepEqual(said, [])
  assert.equal(counter.highest, 103)
})

function startedReplica() {
  let now = 0
  const readiness = new Readiness(
    () => null,
    () => now,
  )
  readiness.databaseAnswered()
  readiness.pageRendered()
  const wait = (ms: number) => {
    now += ms
  }
  return { readiness, wait }
}

test('a replica is ready once the database answered and a page is rendered', () => {
  const readiness = new Readiness(() => null)
  assert.equal(whyNot(readiness), 'no_page')
  readiness.pageRendered()
  assert.equal(whyNot(readiness), 'database_away')
  readiness.databaseAnswered()
  assert.equal(whyNot(readiness), null)
})

test('a replica is not ready while the database takes no transaction, and ready again once it does', () => {
  const { readiness, wait } = startedReplica()
  wait(5000)
  assert.equal(whyNot(readiness), null)
  wait(1)
  assert.deepEqual(readiness.unready, {
    code: 'database_away',
    message: 'The database has taken no transaction for 5 s.',
  })
  readiness.databaseAnswered()
  assert.equal(whyNot(readiness), null)
})

test('a replica drains as long as requested, and reports a change', () => {
  const { readiness } = startedReplica()
  assert.deepEqual([readiness.drain(false), readiness.draining], [false, false])
  assert.deepEqual([readiness.drain(true), readiness.draining], [true, true])
  assert.deepEqual([readiness.drain(true), whyNot(readiness)], [false, 'draining'])
  assert.deepEqual([readiness.drain(false), readiness.draining, whyNot(readiness)], [true, false, null])
})

test('a leaving replica takes no new visitors, and no drain request changes that', () => {
  const { readiness } = startedReplica()
  readiness.leave()
  readiness.drain(false)
  assert.deepEqual([readiness.draining, readiness.leaving], [true, true])
  assert.equal(whyNot(readiness), 'leaving')
})

test('a replica that drains is not leaving', () => {
  const { readiness } = startedReplica()
  readiness.drain(true)
  assert.equal(readiness.leaving, false)
})
