import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogPage, LogRow } from '../../shared/api.ts'
import { walkLog } from './walk-log.ts'

function row(id: number): LogRow {
  const place = { client_ip: '::1', srv_id: 'a', server: 'web-1' }
  return { id, at: '2026-11-22T12:00:00.000Z', ...place, arrival: 'new', moved_from: null }
}

/** A log of 1000 that looks through 100 numbers a call and finds those that divide by `by`. */
function rareRows(by: number) {
  const asked: (number | null)[] = []
  const ask = async (before: number | null): Promise<LogPage> => {
    asked.push(before)
    const from = (before ?? 1001) - 1
    const ids = Array.from({ length: Math.min(100, from) }, (_, at) => from - at).filter(id => id % by === 0)
    return { rows: ids.slice(0, 50).map(row), next: from > 100 ? from - 99 : null }
  }
  return { ask, asked }
}

test('where rows are rare it goes on, and stops when its steps are used up', async () => {
  const { ask, asked } = rareRows(100)
  const page = await walkLog(ask, null, 3)
  assert.deepEqual(
    page.rows.map(({ id }) => id),
    [1000, 900, 800],
  )
  assert.equal(asked.length, 3)
  assert.equal(page.next, 701)
})

test('it ends with the log', async () => {
  const { ask } = rareRows(100)
  const page = await walkLog(ask, null, 50)
  assert.equal(page.rows.length, 10)
  assert.equal(page.next, null)
})

test('rows beyond a page are left for the next one', async () => {
  const { ask } = rareRows(3)
  const page = await walkLog(ask, null, 10)
  assert.equal(page.rows.length, 50)
  assert.equal(page.next, page.rows.at(-1)?.id)
})
