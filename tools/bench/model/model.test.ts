import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costsBetween, costsFrom, fit } from './calibrate.ts'
import { type Costs, type Outcome, type Setting, sameNumbers, simulate } from './simulate.ts'

const free: Costs = {
  ...{ front: 0, page: 0, rendering: 0, agree: 0, flush: 0, hop: 0 },
  batch: { base: 0, perHit: 0 },
  commit: { base: 0, perHit: 0 },
}

/** About what two cores of 2026 take. */
const usual: Costs = {
  ...{ front: 70e-6, page: 70e-6, rendering: 0.02, agree: 0, flush: 0.3e-3, hop: 20e-6 },
  batch: { base: 100e-6, perHit: 3e-6 },
  commit: { base: 250e-6, perHit: 15e-6 },
}

function run(setting: Partial<Setting>): Outcome {
  return simulate({
    costs: usual,
    replicas: 3,
    load: { connections: 64 },
    machine: { cores: 2 },
    seconds: 1,
    random: sameNumbers(),
    steady: true,
    ...setting,
  })
}

function close(found: number, expected: number, share = 0.03): void {
  assert.ok(Math.abs(found - expected) <= share * expected, `${found} is not close to ${expected}`)
}

const settings: Record<string, Partial<Setting>> = {
  'closed loop, one machine': {},
  'closed loop, machines apart': { machine: { databaseCores: 4 } },
  'open loop, little load': { load: { perSecond: 500 } },
  'open loop, too much load': { load: { perSecond: 50_000 }, seconds: 1 },
  'a lock that takes too long': {
    replicas: 40,
    costs: { ...usual, agree: 0.08 },
    machine: { databaseCores: 4 },
    load: { perSecond: 2000 },
    seconds: 4,
  },
}

for (const [name, setting] of Object.entries(settings))
  test(`no page view is lost or made up: ${name}`, () => {
    const { totals, batch, commitsPerSecond, hitsPerSecond, failed } = run(setting)
    assert.equal(totals.came, totals.answered + totals.failed + totals.open)
    assert.ok(totals.counted >= totals.answered)
    assert.ok(totals.counted <= totals.came)
    // What is counted and not answered has failed, or its answer is under way.
    assert.ok(totals.counted <= totals.answered + totals.failed + totals.open)
    if (failed === 0) close(batch * commitsPerSecond, hitsPerSecond)
  })

test('Little’s law: page views in the system are their rate × their time', () => {
  for (const setting of [{}, { load: { perSecond: 1500 } }, { machine: { databaseCores: 2 }, replicas: 9 }]) {
    const { inSystem, hitsPerSecond, meanMs, failed } = run({ seconds: 4, ...setting })
    assert.equal(failed, 0)
    close(inSystem, (hitsPerSecond * meanMs) / 1000)
  }
})

test('in a closed loop as many page views are in the system as there are connections', () => {
  for (const connections of [1, 7, 64]) close(run({ load: { connections } }).inSystem, connections, 0.001)
})

test('one connection has the sum of all costs', () => {
  const costs: Costs = {
    ...{ front: 1e-3, page: 2e-3, rendering: 0, agree: 4e-3, flush: 8e-3, hop: 16e-3 },
    batch: { base: 32e-3, perHit: 64e-3 },
    commit: { base: 128e-3, perHit: 256e-3 },
  }
  const { p50Ms, p99Ms, batch } = run({ costs, load: { connections: 1 }, seconds: 60 })
  close(p50Ms, 1 + 2 + 4 + 8 + 2 * 16 + 32 + 64 + 128 + 256, 1e-6)
  close(p99Ms, p50Ms, 1e-6)
  assert.equal(batch, 1)
})

test('times that vary have the same mean, and a longer tail', () => {
  const costs = { ...free, front: 1e-3, page: 2e-3 }
  const { meanMs, p50Ms, p99Ms } = run({ costs, load: { connections: 1 }, seconds: 60, steady: false })
  close(meanMs, 3, 0.05)
  assert.ok(p50Ms < 3 && p99Ms > 6, `${p50Ms} ${p99Ms}`)
})

test('the processors alone limit: page views a second are cores ÷ processor time', () => {
  const costs = { ...free, front: 1e-3, page: 1e-3 }
  for (const cores of [1, 1.6, 2]) close(run({ costs, machine: { cores } }).hitsPerSecond, cores / 2e-3)
  // A replica has one thread: on machines of their own, each adds one core.
  for (const replicas of [1, 2, 8])
    close(
      run({ costs: { ...free, page: 1e-3 }, replicas, machine: { databaseCores: 1 } }).hitsPerSecond,
      replicas * 1000,
    )
})

test('the row alone limits: hits a second are commits a second × batch size', () => {
  const costs = { ...free, agree: 5e-3 }
  for (const replicas of [1, 4, 16]) {
    const outcome = run({ costs, replicas, machine: { databaseCores: 1 }, load: { connections: 160 } })
    close(outcome.commitsPerSecond, 200)
    close(outcome.hitsPerSecond, 200 * outcome.batch)
    assert.equal(outcome.failed, 0)
  }
})

test('one replica takes at most 500 hits in a batch', () => {
  const costs = { ...free, agree: 10e-3 }
  const outcome = run({ costs, replicas: 1, machine: { databaseCores: 1 }, load: { connections: 2000 } })
  close(outcome.batch, 500)
  close(outcome.hitsPerSecond, 50_000)
})

test('commits that wait for the disk share a write', () => {
  const costs = { ...free, flush: 10e-3 }
  const { commitsPerSecond } = run({
    costs,
    replicas: 8,
    machine: { databaseCores: 1 },
    load: { connections: 8 },
  })
  assert.ok(commitsPerSecond > 300, `${commitsPerSecond}`)
})

test('more of a cost never gives more page views, and more cores never fewer', () => {
  const rate = (setting: Partial<Setting>) => run({ seconds: 0.5, ...setting }).hitsPerSecond
  const higher: ((by: number) => Costs)[] = [
    by => ({ ...usual, front: usual.front * by }),
    by => ({ ...usual, page: usual.page * by }),
    by => ({ ...usual, rendering: usual.rendering * by }),
    by => ({ ...usual, batch: { base: usual.batch.base * by, perHit: usual.batch.perHit * by } }),
    by => ({ ...usual, commit: { base: usual.commit.base * by, perHit: usual.commit.perHit * by } }),
    by => ({ ...usual, agree: by * 1e-3 }),
  ]
  for (const costs of higher) {
    const rates = [1, 2, 4, 8].map(by => rate({ costs: costs(by) }))
    for (const [index, later] of rates.slice(1).entries())
      assert.ok(later <= (rates[index] ?? 0) * 1.02, `${rates}`)
  }
  const rates = [1, 1.5, 2, 3, 4].map(cores => rate({ machine: { cores } }))
  for (const [index, later] of rates.slice(1).entries())
    assert.ok(later >= (rates[index] ?? 0) * 0.98, `${rates}`)
})

test('on the same cores more replicas mean smaller batches and fewer page views', () => {
  const outcomes = [2, 4, 8, 16].map(replicas => run({ replicas }))
  for (const [index, outcome] of outcomes.slice(1).entries()) {
    assert.ok(outcome.batch < (outcomes[index]?.batch ?? 0))
    assert.ok(outcome.hitsPerSecond < (outcomes[index]?.hitsPerSecond ?? 0))
  }
})

test('when all replicas together hold the row for longer than the lock is waited for, page views fail', () => {
  const costs = { ...usual, agree: 20e-3 }
  const failed = (replicas: number) =>
    run({ costs, replicas, machine: { databaseCores: 4 }, load: { perSecond: 4000 }, seconds: 4 }).failed
  assert.equal(failed(10), 0)
  assert.ok(failed(200) > 0.5)
})

test('late batches wait for the lock, so a busy row fails fewer page views; on Galera they do not', () => {
  const failed = (galera: boolean) =>
    run({
      ...{ costs: { ...usual, agree: 80e-3 }, replicas: 8, machine: { databaseCores: 4 }, galera },
      ...{ load: { perSecond: 3000 }, seconds: 4, steady: false },
    }).failed
  assert.ok(failed(false) < failed(true))
})

test('the model needs a replica', () => {
  assert.throws(() => run({ replicas: 0 }), RangeError)
})

test('costs are found from what they add up to, and none is negative', () => {
  const rows = [
    [100, 80, 2],
    [900, 90, 2],
    [40, 40, 3],
    [2000, 60, 2],
  ]
  const sums = rows.map(
    ([hits = 0, commits = 0, seconds = 0]) => hits * 70e-6 + commits * 2e-4 + seconds * 0.02,
  )
  for (const [index, factor] of fit(rows, sums).entries())
    close(factor, [70e-6, 2e-4, 0.02][index] ?? 0, 1e-6)
  const [, falls] = fit(
    [
      [1, 1],
      [1, 8],
      [1, 64],
    ],
    [9, 8, 7],
  )
  assert.equal(falls, 0)
})

test('the costs of a board are those of its parts, and between two sizes each doubling adds as much', () => {
  const seconds = 2
  const boards = [
    { hits: 400, commits: 390 },
    { hits: 3000, commits: 700 },
    { hits: 16_000, commits: 600 },
  ].map(({ hits, commits }) => ({
    ...{ seconds, hits, commits, coresLeft: 2, front: hits * 8e-5 },
    database: commits * 2e-4 + hits * 1e-5,
    servers: hits * 7e-5 + commits * 1e-4 + 2 * seconds * 0.03,
  }))
  const costs = costsFrom(2, [{ waiting: 3e-4 }], boards, [])
  close(costs.front, 8e-5)
  close(costs.page, 7e-5)
  close(costs.batch.base, 1e-4)
  close(costs.rendering, 0.03)
  close(costs.commit.base, 2e-4)
  close(costs.commit.perHit, 1e-5)
  close(costs.flush, 3e-4)
  const dearer = { ...costs, page: 4 * costs.page, commit: { base: 5e-4, perHit: 4e-5 } }
  const ends = [
    { replicas: 1, costs },
    { replicas: 8, costs: dearer },
  ] as const
  close(costsBetween(...ends, 1).page, costs.page)
  close(costsBetween(...ends, 2).page, 2 * costs.page)
  close(costsBetween(...ends, 4).commit.base, 4e-4)
  close(costsBetween(...ends, 8).commit.perHit, 4e-5)
})

test('a batch waits for the visitors of the one before, who then do not take turns in two groups', () => {
  const costs = { ...usual, flush: 2e-3 }
  for (const connections of [2, 16, 64])
    close(run({ costs, replicas: 1, load: { connections }, machine: { cores: 8 } }).batch, connections)
})
