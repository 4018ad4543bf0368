import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './testing.ts'
import { backoff, poll, waitUntil } from './wait.ts'

test('the first start is at once, the next ones wait twice as long each time, ten seconds at most', () => {
  assert.deepEqual([0, 1, 2, 3, 6, 7, 100].map(backoff), [0, 250, 500, 1000, 8000, 10_000, 10_000])
})

test('a poll returns the first answer that is neither null, false nor undefined, also 0 and an empty text', async () => {
  const answers = [null, false, undefined, 0, false, ''].values()
  const look = () => answers.next().value
  assert.equal(await poll(look, 10_000, 1), 0)
  assert.equal(await poll(look, 10_000, 1), '')
  assert.equal(await poll(() => false, 5, 1), null)
})

test('waiting goes on after an error, and names it once time is up', async () => {
  let attempts = 0
  await waitUntil(
    'the third attempt',
    10_000,
    () => {
      if (++attempts < 3) throw new Error('too early')
      return true
    },
    1,
  )
  assert.equal(attempts, 3)
  const fails = () => Promise.reject(new Error('away'))
  await assert.rejects(waitUntil('the database answers', 5, fails, 1), {
    message: 'waited 0 s, and still not: the database answers',
    cause: new Error('away'),
  })
})

test('what a test waits for ends with its first error, or with time', async () => {
  await assert.rejects(
    eventually(() => Promise.reject(new Error('the server ended'))),
    /the server ended/,
  )
  await assert.rejects(
    eventually(() => null, { ms: 5, everyMs: 1 }),
    /waited in vain for/,
  )
})
