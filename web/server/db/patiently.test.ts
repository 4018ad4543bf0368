import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DatabaseTrouble } from '../error-code.ts'
import { patiently } from './patiently.ts'

/** Work that fails so many times before it succeeds. */
function failing(times: number, error: Error) {
  const work = { tries: 0, do: async () => (++work.tries > times ? 'done' : Promise.reject(error)) }
  return work
}

test('trouble that passes is waited for', async () => {
  const work = failing(2, new DatabaseTrouble('away'))
  assert.equal(await patiently(work.do, 10_000), 'done')
  assert.equal(work.tries, 3)
})

test('trouble that stays is told once patience is over', async () => {
  const work = failing(Number.POSITIVE_INFINITY, new DatabaseTrouble('away'))
  await assert.rejects(patiently(work.do, 1), /away/)
})

test('what is no trouble of the database is not tried again', async () => {
  const work = failing(1, new TypeError('a defect'))
  await assert.rejects(patiently(work.do, 10_000), /a defect/)
  assert.equal(work.tries, 1)
})
