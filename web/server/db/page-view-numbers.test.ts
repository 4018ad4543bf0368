import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommitFailed } from '../hits/hit.ts'
import { judgeFailure } from './page-view-numbers.ts'

const serverError = (code: string | undefined, errno = 0) =>
  Object.assign(new Error(code), { code, errno, sqlState: 'HY000' })
const lost = Object.assign(new Error('closed'), { code: 'PROTOCOL_CONNECTION_LOST' })

for (const [what, error, step, outcome, kind] of [
  ['any statement before the commit', serverError('ER_WHATEVER'), 'bucket', 'rolled_back', 'refused'],
  ['the start of the transaction', serverError('ER_UNKNOWN_ERROR'), 'begin', 'rolled_back', 'refused'],
  ['the commit itself', serverError('ER_ERROR_DURING_COMMIT'), 'end', 'unknown', 'refused'],
  ['the commit, by its name a refusal', serverError('ER_LOCK_DEADLOCK'), 'end', 'unknown', 'refused'],
  ['a lock', serverError('ER_LOCK_NOWAIT'), 'lock', 'rolled_back', 'contention'],
  ['a request id that is known', serverError('ER_DUP_ENTRY'), 'requests', 'rolled_back', 'repeat'],
  ['a number that is in the log', serverError('ER_DUP_ENTRY'), 'log', 'rolled_back', 'refused'],
  ['a server that shuts down', serverError('ER_SERVER_SHUTDOWN', 1053), 'log', 'unknown', 'away'],
  ['a connection that MariaDB kills', serverError(undefined, 1927), 'log', 'unknown', 'away'],
  ['a connection that is lost', lost, 'begin', 'unknown', 'away'],
] as const)
  test(`${what}: ${outcome}, ${kind}`, () => {
    assert.deepEqual(judgeFailure(error, step), { outcome, kind })
  })

test('an error without a name in the driver is identified by its number', () => {
  assert.equal(new CommitFailed('rolled_back', 'refused', serverError(undefined, 1969)).code, 'ERROR_1969')
})
