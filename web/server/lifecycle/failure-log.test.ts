import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommitFailed } from '../hits/hit-store.ts'
import { FailureLog } from './failure-log.ts'

const cause = Object.assign(new Error('INSERT command denied'), { code: 'ER_TABLEACCESS_DENIED_ERROR' })
const denied = new CommitFailed('rolled_back', 'refused', cause)
const line = 'page views cannot be counted: ER_TABLEACCESS_DENIED_ERROR: INSERT command denied'

function startLog() {
  const lines: string[] = []
  let now = 0
  const log = new FailureLog(
    text => lines.push(text),
    () => now,
  )
  const failEvery = (ms: number, times: number) => {
    for (let time = 0; time < times; time++) {
      log.failed(denied)
      now += ms
    }
  }
  return { lines, log, failEvery }
}

test('the first failure is said at once, and later ones every ten seconds with their number', () => {
  const { lines, failEvery } = startLog()
  failEvery(100, 1)
  assert.deepEqual(lines, [line])
  failEvery(100, 299)
  assert.deepEqual(lines, [
    line,
    `${line} (100 failures since the last line)`,
    `${line} (100 failures since the last line)`,
  ])
})

test('another error is said at once as well', () => {
  const { lines, log, failEvery } = startLog()
  failEvery(100, 3)
  const lost = Object.assign(new Error('closed'), { code: 'PROTOCOL_CONNECTION_LOST' })
  log.failed(new CommitFailed('unknown', 'away', lost))
  assert.equal(
    lines[1],
    'page views cannot be counted: PROTOCOL_CONNECTION_LOST: closed (3 failures since the last line)',
  )
})

test('it says once when it is over, and nothing where nothing failed', () => {
  const { lines, log, failEvery } = startLog()
  log.succeeded()
  assert.deepEqual(lines, [])
  failEvery(100, 5)
  log.succeeded()
  log.succeeded()
  assert.deepEqual(lines, [line, 'page views are counted again (4 failures since the last line)'])
})

test('failures and successes in turn write no more than two lines in ten seconds', () => {
  const { lines, log, failEvery } = startLog()
  for (let time = 0; time < 300; time++) {
    failEvery(100, 1)
    log.succeeded()
  }
  assert.equal(lines.length, 6)
})
