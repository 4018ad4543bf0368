import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Readiness } from './readiness.ts'

function startedReplica() {
  let now = 0
  const readiness = new Readiness(
    () => null,
    () => now,
  )
  readiness.databaseAnswered()
  readiness.pageRendered()
  const wait = (ms: number) => {
    now += ms
  }
  return { readiness, wait }
}

const whyNot = (readiness: Readiness) => readiness.unready?.code ?? null

test('a replica is ready once the database answered and a page is rendered', () => {
  const readiness = new Readiness(() => null)
  assert.equal(whyNot(readiness), 'no_page')
  readiness.pageRendered()
  assert.equal(whyNot(readiness), 'database_away')
  readiness.databaseAnswered()
  assert.equal(whyNot(readiness), null)
})

test('it is not ready while the database takes no transaction, and ready again once it does', () => {
  const { readiness, wait } = startedReplica()
  wait(5000)
  assert.equal(whyNot(readiness), null)
  wait(1)
  assert.equal(whyNot(readiness), 'database_away')
  readiness.databaseAnswered()
  assert.equal(whyNot(readiness), null)
})

test('it drains as long as requested, and reports a change', () => {
  const { readiness } = startedReplica()
  assert.deepEqual([readiness.drain(false), readiness.draining], [false, false])
  assert.deepEqual([readiness.drain(true), readiness.draining], [true, true])
  assert.deepEqual([readiness.drain(true), whyNot(readiness)], [false, 'draining'])
  assert.deepEqual([readiness.drain(false), readiness.draining, whyNot(readiness)], [true, false, null])
})

test('a leaving replica takes no new visitors, and no drain request changes that', () => {
  const { readiness } = startedReplica()
  readiness.leave()
  readiness.drain(false)
  assert.deepEqual([readiness.draining, readiness.leaving], [true, true])
  assert.equal(whyNot(readiness), 'leaving')
})

test('one that drains is not leaving', () => {
  const { readiness } = startedReplica()
  readiness.drain(true)
  assert.equal(readiness.leaving, false)
})
