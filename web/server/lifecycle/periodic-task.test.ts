import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PeriodicTask, repeat } from './periodic-task.ts'

/** Runs everything that waits only for promises. */
const settle = () => new Promise<void>(resolve => setImmediate(resolve))

function countRuns(t: TestContext, task: () => Promise<void> = async () => {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const runs = { begun: 0, under: 0, most: 0 }
  const periodic = new PeriodicTask(2000, async () => {
    runs.begun++
    runs.most = Math.max(runs.most, ++runs.under)
    try {
      await task()
    } finally {
      runs.under--
    }
  })
  const pass = async (ms: number) => {
    t.mock.timers.tick(ms)
    await settle()
  }
  return { periodic, runs, pass }
}

test('it runs immediately, and each time it is due', async t => {
  const { periodic, runs, pass } = countRuns(t)
  await periodic.run()
  assert.equal(runs.begun, 1)
  for (const expected of [2, 3, 4]) {
    await pass(2000)
    assert.equal(runs.begun, expected)
  }
  await periodic.stop()
})

test('a run that fails is followed by the next one', async t => {
  const { periodic, runs, pass } = countRuns(t, () => Promise.reject(new Error('away')))
  await periodic.run()
  await pass(2000)
  assert.equal(runs.begun, 2)
  await periodic.stop()
})

test('concurrent calls run one after the other, and the period stays', async t => {
  const { periodic, runs, pass } = countRuns(t, settle)
  await Promise.all([periodic.run(), periodic.run(), periodic.run()])
  assert.deepEqual([runs.begun, runs.most], [3, 1])
  await pass(2000)
  await settle()
  assert.equal(runs.begun, 4)
  await periodic.stop()
})

test('none is run once it has stopped', async t => {
  const { periodic, runs, pass } = countRuns(t)
  await periodic.run()
  await periodic.stop()
  await periodic.run()
  await pass(10_000)
  assert.equal(runs.begun, 1)
})

test('runs follow each other, never concurrently, until it is stopped', async () => {
  let underWay = 0
  let turns = 0
  const enough = Promise.withResolvers<void>()
  const stop = repeat(
    'test',
    async () => {
      underWay += 1
      assert.equal(underWay, 1)
      await new Promise(setImmediate)
      underWay -= 1
      if (++turns === 5) {
        stop()
        enough.resolve()
      }
    },
    1,
  )
  await keptAlive(enough.promise)
  await keptAlive(new Promise(resolve => setTimeout(resolve, 20)))
  assert.equal(turns, 5)
})

test('a failed run is repeated; the failure is logged once, and again after a success', async () => {
  const outcomes = ['fails', 'fails', 'goes well', 'fails', 'fails']
  const said: string[] = []
  const enough = Promise.withResolvers<void>()
  const stop = repeat(
    'counting',
    async () => {
      const outcome = outcomes.shift()
      if (outcome === undefined) {
        stop()
        enough.resolve()
      }
      if (outcome === 'fails') throw new Error('away')
    },
    1,
    text => said.push(text),
  )
  await keptAlive(enough.promise)
  assert.deepEqual(said, Array(2).fill('counting: Error: away; will retry'))
})

test('a run in progress sees the stop', async () => {
  const seen = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const stop = repeat(
    'test',
    async signal => {
      signal.addEventListener('abort', () => seen.resolve())
      begun.resolve()
      await seen.promise
    },
    1,
  )
  await keptAlive(begun.promise)
  stop()
  await seen.promise
})

/** Background work keeps no process alive; a test that waits for it must. */
async function keptAlive(promise: Promise<void>): Promise<void> {
  const timer = setInterval(() => {}, 1000)
  await promise.finally(() => clearInterval(timer))
}
