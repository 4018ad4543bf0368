import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { sendVisits } from './send-visits.ts'
import type { VisitOutcome } from './visit-tally.ts'

const answered: VisitOutcome = { kind: 'answered', srv_id: 'a', server: 'web-1' }

test('it sends as many as told, the first alone, then no more than allowed together', async () => {
  let underWay = 0
  const together: number[] = []
  const outcomes: VisitOutcome[] = []
  await sendVisits({
    count: 20,
    atOnce: 6,
    signal: new AbortController().signal,
    onOutcome: outcome => outcomes.push(outcome),
    visit: async () => {
      together.push(++underWay)
      await setImmediate()
      underWay--
      return answered
    },
  })
  assert.equal(outcomes.length, 20)
  assert.deepEqual(together.slice(0, 2), [1, 1])
  assert.equal(Math.max(...together), 6)
})

test('once aborted it sends no more, and those under way are accounted for', async () => {
  const stop = new AbortController()
  const outcomes: VisitOutcome[] = []
  let sent = 0
  await sendVisits({
    count: 60,
    atOnce: 6,
    signal: stop.signal,
    onOutcome: outcome => outcomes.push(outcome),
    visit: async () => {
      if (++sent === 10) stop.abort()
      await setImmediate()
      return stop.signal.aborted ? { kind: 'unknown' } : answered
    },
  })
  assert.ok(sent < 20)
  assert.equal(outcomes.length, sent)
})
