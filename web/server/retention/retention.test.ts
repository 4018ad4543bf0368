import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DatabaseClock } from './database-clock.ts'
import { PurgeReport, RequestIdRetention } from './retention.ts'

const running = new AbortController().signal

test('request ids are pruned ten minutes after their number was given, not before', async () => {
  let now = 0
  const pruned: number[] = []
  const retention = new RequestIdRetention(
    async lastId => {
      pruned.push(lastId)
      return 0
    },
    () => now,
  )
  for (let minute = 0; minute <= 12; minute++) {
    now = minute * 60_000
    retention.noteNumber((minute + 1) * 100)
    await retention.run(running)
  }
  assert.deepEqual(pruned, [100, 200, 300])
})

test('pruning is retried after a failure', async () => {
  let now = 0
  let fails = true
  const pruned: number[] = []
  const retention = new RequestIdRetention(
    async lastId => {
      if (fails) throw new Error('away')
      pruned.push(lastId)
      return 0
    },
    () => now,
  )
  retention.noteNumber(7)
  await retention.run(running)
  now = 10 * 60_000
  await assert.rejects(retention.run(running))
  fails = false
  now += 60_000
  await retention.run(running)
  assert.deepEqual(pruned, [7])
})

test('the first removal is logged, later ones together once a minute, and all are counted', () => {
  let now = 0
  let counted = 0
  const said: string[] = []
  const count = (rows: number) => {
    counted += rows
  }
  const report = new PurgeReport(
    'rows',
    count,
    text => said.push(text),
    () => now,
  )
  const note = (rows: number, through: number) => report.note({ rows, through, throughAt: `t${through}` })
  note(5, 10)
  now = 10_000
  note(7, 20)
  note(1, 21)
  report.flush()
  now = 60_000
  report.flush()
  report.flush()
  assert.deepEqual(said, [
    'retention removed 5 rows, up to number 10, of t10',
    'retention removed 8 rows, up to number 21, of t21',
  ])
  assert.equal(counted, 13)
})

const second = 1000
const hour = 3600 * second
const day = 24 * hour
const start = Date.UTC(2026, 10, 25, 12)

/** A machine and a database whose clocks a test sets, and replicas on it. */
function machine({ believed = start as number | null } = {}) {
  const time = { steady: 0, wall: start, database: start, believed }
  const logged: string[] = []
  const pass = (ms: number) => {
    time.steady += ms
    time.wall += ms
    time.database += ms
  }
  const startReplica = () => {
    const options = {
      steady: () => time.steady,
      wall: () => time.wall,
      log: (text: string) => logged.push(text),
    }
    const clock = new DatabaseClock(options)
    /** One run of retention: whether it would remove rows. */
    const turn = () => {
      const believedAt = time.believed === null ? null : new Date(time.believed)
      const now = clock.judge({ now: new Date(time.database), believedAt })
      if (now !== null) time.believed = now.getTime()
      return now !== null
    }
    /** Runs every ten seconds. */
    const run = (ms: number) => {
      const turns = []
      for (let passed = 0; passed < ms; passed += 10 * second) {
        pass(10 * second)
        turns.push(turn())
      }
      return turns
    }
    return { clock, turn, run }
  }
  return { time, logged, pass, startReplica }
}

const all = (turns: boolean[], expected: boolean) =>
  turns.length > 0 && turns.every(turn => turn === expected)

test('a clock that runs correctly is trusted, for weeks, and with a small difference in speed', () => {
  const { time, logged, startReplica, pass } = machine()
  const replica = startReplica()
  assert.ok(replica.turn())
  for (let hours = 0; hours < 24 * 40; hours++) {
    pass(hour)
    time.database += 0.0002 * hour
    assert.ok(replica.turn())
  }
  assert.deepEqual(logged, [])
})

for (const [words, jump] of [
  ['31 days ahead', 31 * day],
  ['a day ahead', day],
  ['31 days behind', -31 * day],
  ['ten years ahead', 3652 * day],
] as const) {
  test(`${words}, just before a run: nothing is removed, it is logged once, and it goes on when the clock is back`, () => {
    const { time, logged, startReplica } = machine()
    const replica = startReplica()
    assert.ok(all(replica.run(60 * second), true))
    time.database += jump
    assert.ok(all(replica.run(60 * second), false))
    assert.ok(replica.clock.doubted)
    time.database -= jump
    assert.ok(all(replica.run(60 * second), true))
    assert.equal(replica.clock.doubted, false)
    assert.equal(logged.length, 2, logged.join('\n'))
    assert.match(logged[0] ?? '', /retention has stopped, nothing is removed: .* (ahead|behind)/)
    assert.match(logged[1] ?? '', /retention goes on/)
  })

  test(`${words} for hours: nothing is removed, whether this machine's clock jumped as well or not`, () => {
    for (const withMachine of [false, true]) {
      const { time, logged, startReplica } = machine()
      const replica = startReplica()
      replica.run(60 * second)
      time.database += jump
      if (withMachine) time.wall += jump
      assert.ok(all(replica.run(5 * hour), false))
      assert.ok(logged.length > 10 && logged.length < 60, `logged ${logged.length} times`)
    }
  })

  test(`${words} before the replica started: nothing is removed, until the clock is back`, () => {
    const { time, startReplica } = machine()
    time.database += jump
    const replica = startReplica()
    assert.ok(all(replica.run(2 * hour), false))
    assert.ok(replica.clock.doubted)
    time.database -= jump
    // Two hours without a run of retention are a gap too.
    const turns = replica.run(2 * hour)
    assert.equal(turns.at(-1), true)
  })
}

test('several replicas: none removes during a jump, also one that starts meanwhile', () => {
  const { time, startReplica } = machine()
  const old = [startReplica(), startReplica()]
  for (const replica of old) assert.ok(all(replica.run(60 * second), true))
  time.database += 31 * day
  const replicas = [...old, startReplica()]
  for (const replica of replicas) assert.ok(all(replica.run(60 * second), false))
  time.database -= 31 * day
  for (const replica of replicas) assert.equal(replica.run(10 * 60 * second).at(-1), true)
})

test('a clock that runs twice as fast is noticed, however small each step', () => {
  const { time, startReplica } = machine()
  const replica = startReplica()
  assert.ok(replica.turn())
  let ahead = 0
  let removed = true
  while (removed && ahead < day) {
    time.database += 10 * second
    ahead += 10 * second
    removed = replica.run(10 * second)[0] ?? false
  }
  assert.ok(ahead <= 60 * second, `${ahead} ms ahead`)
})

test('a small jump that stays is trusted once the clock was steady for as long', () => {
  const { time, startReplica } = machine()
  const replica = startReplica()
  replica.turn()
  time.database += 60 * second
  const turns = replica.run(120 * second)
  assert.equal(turns[0], false)
  assert.equal(turns.at(-1), true)
})

test('after a night without replicas, rows are removed once the clock was steady for an hour', () => {
  const { time, logged, startReplica, pass } = machine()
  startReplica().run(60 * second)
  pass(8 * hour)
  const turns = startReplica().run(2 * hour)
  assert.deepEqual([turns[0], turns.at(-1)], [false, true])
  assert.equal(turns.indexOf(true), 360)
  assert.deepEqual(logged, [], 'that is no reason for a message')
  assert.ok(time.believed !== null && time.believed > start + 8 * hour)
})

test('a replica that restarts immediately goes on immediately', () => {
  const { startReplica, pass } = machine()
  startReplica().run(60 * second)
  pass(5 * second)
  assert.ok(startReplica().turn())
})

test('if retention never ran, this machine and the database must agree', () => {
  const { time, startReplica } = machine({ believed: null })
  time.database += 31 * day
  assert.equal(startReplica().turn(), false)
  time.database -= 31 * day
  assert.equal(startReplica().turn(), true)
})

test('a jump that is real: replicas that restart trust it after an hour', () => {
  const { time, startReplica } = machine()
  // The database was three days behind, and is corrected.
  time.database -= 3 * day
  time.believed = time.database
  time.wall = start
  const before = startReplica()
  assert.ok(before.turn())
  time.database += 3 * day
  assert.ok(all(before.run(2 * hour), false))
  const turns = startReplica().run(2 * hour)
  assert.deepEqual([turns[0], turns.at(-1)], [false, true])
})
