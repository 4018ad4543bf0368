import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyTally, runText, type VisitOutcome, withOutcome } from './visit-tally.ts'

const by = (server: string): VisitOutcome => ({ kind: 'answered', srv_id: `id of ${server}`, server })
const tallyOf = (outcomes: VisitOutcome[]) => outcomes.reduce(withOutcome, emptyTally)

test('answers are counted by server', () => {
  const { servers, answered } = tallyOf([by('web-1'), by('web-2'), by('web-1')])
  assert.equal(answered, 3)
  assert.deepEqual(Object.values(servers), [
    { name: 'web-1', visits: 2 },
    { name: 'web-2', visits: 1 },
  ])
})

test('a run says what is known of every visit', () => {
  assert.equal(runText(tallyOf([by('web-1'), by('web-1')]), 2), '2 visits counted by 1 server.')
  assert.equal(
    runText(tallyOf([by('web-1'), by('web-2'), { kind: 'failed' }, { kind: 'unknown' }]), 60),
    '2 visits counted by 2 servers. 1 visit refused, not counted. 1 visit without an answer: may be counted. 56 visits not sent.',
  )
  assert.equal(runText(tallyOf([{ kind: 'failed' }]), 1), '0 visits counted. 1 visit refused, not counted.')
})
