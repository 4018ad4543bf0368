import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PeriodicTask } from './periodic-task.ts'

/** Lets everything that waits only for promises go on. */
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

test('it runs at once, and each time it is due', async t => {
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

test('asked for many at once, it runs one after the other, and goes on at its pace', async t => {
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
