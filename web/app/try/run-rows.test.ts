import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runRows } from './run-rows.ts'
import { emptyTally, withOutcome } from './visit-tally.ts'

test('servers that can answer have a row before any visit, and whoever answered keeps one', () => {
  const servers = [
    { srv_id: 'a', name: 'web-1', state: 'up' },
    { srv_id: 'b', name: 'web-2', state: 'lost' },
    { srv_id: 'c', name: 'web-3', state: 'stopped' },
  ] as const
  const tally = withOutcome(emptyTally, { kind: 'answered', srv_id: 'b', server: 'web-2' })
  assert.deepEqual(
    runRows([...servers], [null, null]).map(({ name }) => name),
    ['web-1'],
  )
  assert.deepEqual(
    runRows([...servers], [tally, null]).map(({ name }) => name),
    ['web-1', 'web-2'],
  )
})
