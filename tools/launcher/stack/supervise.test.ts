import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../lib/testing.ts'
import { keepRunning, type RunningService } from './supervise.ts'

/** A service without a process. The test ends or stops it. */
function fakeService(pid: number) {
  const { promise: exited, resolve: end } = Promise.withResolvers<string>()
  const stop = async () => end('SIGTERM')
  return { pid, exited, stop, end } satisfies RunningService & { end: unknown }
}

test('a service that ends is started again, which is reported in one line', async () => {
  const first = fakeService(1)
  const second = fakeService(2)
  const said: string[] = []
  const restarted: number[] = []
  const kept = keepRunning<RunningService>(first, {
    start: async () => second,
    replaced: service => restarted.push(service.pid),
    report: text => said.push(text),
  })
  first.end('SIGKILL')
  await eventually(() => said.length > 0)
  assert.deepEqual(said, ['ended (SIGKILL) and was started again'])
  assert.deepEqual(restarted, [2])
  await kept.stop()
  assert.equal(await second.exited, 'SIGTERM')
})

test('a start that fails is tried again', async () => {
  const first = fakeService(1)
  const second = fakeService(2)
  const said: string[] = []
  let tries = 0
  const kept = keepRunning<RunningService>(first, {
    start: async () => {
      if (tries++ === 0) throw new Error('no room')
      return second
    },
    replaced: () => {},
    report: text => said.push(text),
  })
  first.end('exit status 1')
  await eventually(() => said.length > 1)
  assert.deepEqual(said, [
    'ended (exit status 1) and does not start, next try in 0.25 s: no room',
    'ended (exit status 1) and was started again',
  ])
  await kept.stop()
})

test('a service that is stopped is not started again', async () => {
  const first = fakeService(1)
  const kept = keepRunning<RunningService>(first, {
    start: () => assert.fail('it was started again'),
    replaced: () => {},
    report: () => {},
  })
  await Promise.all([kept.stop(), kept.stop()])
  assert.equal(await first.exited, 'SIGTERM')
})

test('a service that becomes ready during the stop is stopped too', async () => {
  const first = fakeService(1)
  const second = fakeService(2)
  const starting = Promise.withResolvers<void>()
  const ready = Promise.withResolvers<RunningService>()
  const kept = keepRunning<RunningService>(first, {
    start: () => {
      starting.resolve()
      return ready.promise
    },
    replaced: () => {},
    report: () => {},
  })
  first.end('SIGKILL')
  await starting.promise
  const stopped = kept.stop()
  ready.resolve(second)
  await stopped
  assert.equal(await second.exited, 'SIGTERM')
})
