import assert from 'node:assert/strict'
import { test } from 'node:test'
import { repeat } from './repeat.ts'

test('turns follow each other, never two at once, until it is stopped', async () => {
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

test('a turn that fails is tried again; the failure is said once, and again after one went well', async () => {
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
  assert.deepEqual(said, Array(2).fill('counting: Error: away; it is tried again'))
})

test('a turn under way sees that it is to stop', async () => {
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
