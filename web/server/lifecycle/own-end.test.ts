import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OwnEnd } from './own-end.ts'

function ownEnd(taken = true) {
  const signals: string[] = []
  const end = new OwnEnd({ take: async () => taken, signal: each => signals.push(each), log: () => {} })
  return { end, signals }
}

test('a restart is SIGTERM, a kill SIGKILL, once however often the wish is read', async () => {
  for (const [wish, signal] of [
    ['restart', 'SIGTERM'],
    ['kill', 'SIGKILL'],
  ] as const) {
    const { end, signals } = ownEnd()
    await end.obey(wish)
    await end.obey(wish)
    assert.deepEqual(signals, [signal])
  }
})

test('a wish that was withdrawn does nothing', async () => {
  const { end, signals } = ownEnd(false)
  await end.obey('kill')
  assert.deepEqual(signals, [])
})

test('the answer that this replica is sending leaves first, and one that never leaves is not waited for', async () => {
  const { end, signals } = ownEnd()
  const answer = Promise.withResolvers<void>()
  end.holdFor(answer.promise)
  const obeyed = end.obey('kill')
  await new Promise(setImmediate)
  assert.deepEqual(signals, [])
  answer.resolve()
  await obeyed
  assert.deepEqual(signals, ['SIGKILL'])

  const stuck = ownEnd()
  stuck.end.holdFor(new Promise(() => {}))
  const alive = setInterval(() => {}, 1000)
  await stuck.end.obey('kill')
  clearInterval(alive)
  assert.deepEqual(stuck.signals, ['SIGKILL'])
})
