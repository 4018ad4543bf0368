import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Admission } from './admission.ts'
import { NotCounted } from './errors.ts'

/** How many of so many are let in. */
function enter(admission: Admission, count: number): number {
  let admitted = 0
  for (let view = 0; view < count; view++) {
    try {
      admission.enter()
      admitted++
    } catch (error) {
      assert.ok(error instanceof NotCounted)
      assert.deepEqual([error.status, error.code], [503, 'overloaded'])
    }
  }
  return admitted
}

test('a turn of the event loop begins so many page views, and the next one as many again', async () => {
  const admission = new Admission(() => 0, { mostATurn: 10, mostWaitMs: 250 })
  assert.equal(enter(admission, 25), 10)
  await new Promise(setImmediate)
  assert.equal(enter(admission, 25), 10)
})

test('whoever would wait too long for others’ batches is refused, until the wait is shorter', () => {
  let waitMs = 251
  const admission = new Admission(() => waitMs, { mostATurn: 10, mostWaitMs: 250 })
  assert.equal(enter(admission, 5), 0)
  waitMs = 250
  assert.equal(enter(admission, 5), 5)
})
