import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogRow } from '../../shared/api.ts'
import { firstRows, olderThan, orderedRows, pageRows, type ShownRow } from './shown-row.ts'

const at = '2026-11-22T12:00:00.000Z'
const place = { client_ip: '127.0.0.1', srv_id: 'a'.repeat(32), server: 'web-1' }

function row(id: number, more: Partial<LogRow> = {}): LogRow {
  return { id, at, ...place, arrival: 'new', moved_from: null, ...more }
}

function own(id: string): ShownRow {
  return { id, at, time: at, ...place, why: 'came back', arrival: null, moved_from: null, own: true }
}

const ids = (rows: ShownRow[]) => rows.map(({ id }) => id)

test('the own row comes first in the first render, even while its number is a token', () => {
  assert.deepEqual(ids(firstRows(own('x9Tq+/2='), [row(2), row(1)], at)), ['x9Tq+/2=', '2', '1'])
})

test('the first render shows 50 rows with the own one', () => {
  const log = Array.from({ length: 50 }, (_, i) => row(50 - i))
  const rows = firstRows(own('51'), log, at)
  assert.equal(rows.length, 50)
  assert.equal(rows.at(-1)?.id, '2')
})

test('later the own row stands where its number belongs, and once', () => {
  const rows = orderedRows(own('2'), [row(3), row(2), row(1)], at)
  assert.deepEqual(ids(rows), ['3', '2', '1'])
  assert.deepEqual(
    rows.map(row => row.own),
    [false, true, false],
  )
})

test('with 50 newer ones the own row has left the list', () => {
  const log = Array.from({ length: 50 }, (_, i) => row(60 - i))
  assert.equal(ids(orderedRows(own('10'), log, at)).includes('10'), false)
})

test('a row says why it went where it did', () => {
  const from = { srv_id: 'b'.repeat(32), name: 'web-2' }
  const log = [
    row(4, { arrival: 'moved', moved_from: { ...from, name: null } }),
    row(3, { arrival: 'moved', moved_from: from }),
    row(2, { arrival: 'returning' }),
    row(1),
  ]
  assert.deepEqual(
    orderedRows(null, log, at).map(({ why }) => why),
    ['unknown cookie', 'moved from web-2', 'came back', 'new visitor'],
  )
})

test('once the log has the own row it says in full why', () => {
  const [row2] = orderedRows(own('2'), [row(2, { arrival: 'returning' })], at)
  assert.deepEqual([row2?.own, row2?.arrival], [true, 'returning'])
})

test('a page that was asked for has the own row only if it is on it', () => {
  const marks = (rows: ShownRow[]) => rows.map(row => row.own)
  assert.deepEqual(marks(pageRows(own('2'), [row(3), row(2)], at)), [false, true])
  assert.deepEqual(marks(pageRows(own('9'), [row(3), row(2)], at)), [false, false])
})

test('older rows begin below the last one shown, if as many are shown as can be', () => {
  const log = Array.from({ length: 50 }, (_, at) => row(60 - at))
  assert.equal(olderThan(orderedRows(null, log, at)), 11)
  // The own one takes the last one's place.
  assert.equal(olderThan(orderedRows(own('61'), log, at)), 12)
  assert.equal(olderThan(orderedRows(null, log.slice(1), at)), null)
})
