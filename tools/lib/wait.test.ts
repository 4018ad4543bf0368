import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './testing.ts'
import { backoff, poll, waitUntil } from './wait.ts'

test('the first start is immediate; each later one waits twice as long, ten seconds at most', () => {
  assert.deepEqual([0, 1, 2, 3, 6, 7, 100].map(backoff), [0, 250, 500, 1000, 8000, 10_000, 10_000])
})

test('a poll returns the first answer that is neither null, false nor undefined, also 0 and an empty text', async () => {
  const answers = [null, false, undefined, 0, false, ''].values()
  const check = () => answers.next().value
  assert.equal(await poll(check, 10_000, 1), 0)
  assert.equal(await poll(check, 10_000, 1), '')
  assert.equal(await poll(() => false, 5, 1), null)
})

test('waiting continues after an error; the timeout has that error as its cause', async () => {
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
    message: 'timed out after 0 s, waiting until: the database answers',
    cause: new Error('away'),
  })
})

test('eventually ends with the first error, or after its time limit', async () => {
  await assert.rejects(
    eventually(() => Promise.reject(new Error('the server ended'))),
    /the server ended/,
  )
  await assert.rejects(
    eventually(() => null, { ms: 5, everyMs: 1 }),
    /timed out after 5 ms, waiting for: /,
  )
})
