import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LogPage, LogRow, ServerRow } from '../../shared/api.ts'
import { sampleLogRow, sampleServerRow } from '../../testing/samples.ts'
import {
  type ArrivalFacts,
  explain,
  firstRows,
  isUnfiltered,
  logUrl,
  olderThan,
  orderedRows,
  pageRows,
  placeInLog,
  type ShownRow,
  walkLog,
} from './log-rows.ts'

test('an empty filter is not in the URL', () => {
  assert.equal(logUrl('/api/log.csv', { srv_id: '', client_ip: '' }), '/api/log.csv')
  assert.equal(logUrl('/api/log', { srv_id: 'ab', client_ip: '' }, 12), '/api/log?srv_id=ab&before=12')
  assert.equal(logUrl('/api/log', { srv_id: '', client_ip: 'fd00::7' }), '/api/log?client_ip=fd00%3A%3A7')
})

test('a filter is in the URL, also in browsers without URLSearchParams.size', async () => {
  const size = Object.getOwnPropertyDescriptor(URLSearchParams.prototype, 'size') ?? {}
  Reflect.deleteProperty(URLSearchParams.prototype, 'size')
  try {
    assert.equal(logUrl('/api/log', { srv_id: 'ab', client_ip: '' }, 12), '/api/log?srv_id=ab&before=12')
  } finally {
    Object.defineProperty(URLSearchParams.prototype, 'size', size)
  }
})

test('a place in the log is a number; anything else means the newest page', () => {
  assert.equal(placeInLog('104'), 104)
  for (const text of ['', '0', '-1', '1e3', '12.5', ' 7', '9'.repeat(30)])
    assert.equal(placeInLog(text), null)
})

test('without a filter, all rows match', () => {
  assert.equal(isUnfiltered({ srv_id: '', client_ip: '' }), true)
  assert.equal(isUnfiltered({ srv_id: '', client_ip: '::1' }), false)
})

/** A log of 1000 rows. One call searches 100 numbers and finds the multiples of `by`. */
function rareRows(by: number) {
  const calls: (number | null)[] = []
  const fetchRows = async (before: number | null): Promise<LogPage> => {
    calls.push(before)
    const from = (before ?? 1001) - 1
    const ids = Array.from({ length: Math.min(100, from) }, (_, at) => from - at).filter(id => id % by === 0)
    return { rows: ids.slice(0, 50).map(id => sampleLogRow({ id })), next: from > 100 ? from - 99 : null }
  }
  return { fetchRows, calls }
}

test('if rows are rare it continues, and stops after its steps', async () => {
  const { fetchRows, calls } = rareRows(100)
  const page = await walkLog(fetchRows, null, 3)
  assert.deepEqual(
    page.rows.map(({ id }) => id),
    [1000, 900, 800],
  )
  assert.equal(calls.length, 3)
  assert.equal(page.next, 701)
})

test('it ends with the log', async () => {
  const { fetchRows } = rareRows(100)
  const page = await walkLog(fetchRows, null, 50)
  assert.equal(page.rows.length, 10)
  assert.equal(page.next, null)
})

test('more rows than a page holds are left for the next page', async () => {
  const { fetchRows } = rareRows(3)
  const page = await walkLog(fetchRows, null, 10)
  assert.equal(page.rows.length, 50)
  assert.equal(page.next, page.rows.at(-1)?.id)
})

const at = '2026-11-22T12:00:00.000Z'
const place = { client_ip: '127.0.0.1', srv_id: 'a'.repeat(32), server: 'web-1' }

function row(id: number, more: Partial<LogRow> = {}): LogRow {
  return sampleLogRow({ id, at, ...place, ...more })
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

test('later the own row is where its number belongs, once', () => {
  const rows = orderedRows(own('2'), [row(3), row(2), row(1)], at)
  assert.deepEqual(ids(rows), ['3', '2', '1'])
  assert.deepEqual(
    rows.map(row => row.own),
    [false, true, false],
  )
})

test('after 50 newer rows the own row has left the list', () => {
  const log = Array.from({ length: 50 }, (_, i) => row(60 - i))
  assert.equal(ids(orderedRows(own('10'), log, at)).includes('10'), false)
})

test('a row says why it reached its server', () => {
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

test('once the log has the own row, it says why in full', () => {
  const [row2] = orderedRows(own('2'), [row(2, { arrival: 'returning' })], at)
  assert.deepEqual([row2?.own, row2?.arrival], [true, 'returning'])
})

test('a fetched page has the own row only if it is on it', () => {
  const areOwn = (rows: ShownRow[]) => rows.map(row => row.own)
  assert.deepEqual(areOwn(pageRows(own('2'), [row(3), row(2)], at)), [false, true])
  assert.deepEqual(areOwn(pageRows(own('9'), [row(3), row(2)], at)), [false, false])
})

test('older rows start below the last one of a full list', () => {
  const log = Array.from({ length: 50 }, (_, at) => row(60 - at))
  assert.equal(olderThan(orderedRows(null, log, at)), 11)
  // The own row replaces the last one.
  assert.equal(olderThan(orderedRows(own('61'), log, at)), 12)
  assert.equal(olderThan(orderedRows(null, log.slice(1), at)), null)
})

const start = '2026-11-22T11:00:00.000Z'
const later = '2026-11-22T12:00:08.000Z'

function web3(state: ServerRow['state'], lastSeen: string): ServerRow[] {
  const times = { started_at: start, last_seen_at: lastSeen }
  return [sampleServerRow({ id: 3, srv_id: 'c', name: 'web-3', state, ...times })]
}

const text = (row: Partial<ArrivalFacts>, servers: ServerRow[] = []) =>
  explain(
    { arrival: 'moved', moved_from: { srv_id: 'c', name: 'web-3' }, server: 'web-2', at: later, ...row },
    servers,
  )

test('explains a visit without a cookie, and one whose cookie was followed', () => {
  assert.equal(text({ arrival: 'new', moved_from: null }), 'No cookie, so NGINX chose the least busy server.')
  assert.equal(
    text({ arrival: 'returning', moved_from: null }),
    'The cookie named web-2, and web-2 could answer.',
  )
})

test('a cookie may be from a server that had the address before', () => {
  const maybe = (name: string) =>
    text({ arrival: 'returning', moved_from: null, maybe_from: { srv_id: 'c', name } })
  assert.equal(
    maybe('web-5'),
    'The cookie named the address of web-2, which web-5 had shortly before. It may be from either.',
  )
  assert.match(maybe('web-2'), /which an earlier instance of web-2 had shortly before/)
})

test('a move is explained by the state of its server, in the same words as the visitor’s notice', () => {
  assert.equal(
    text({}, web3('lost', at)),
    'The cookie named web-3. web-3 was lost: no heartbeat for 8 s. NGINX chose web-2.',
  )
})

test('a move from a server without a known state has no made-up reason', () => {
  const unknown = 'The cookie named web-3. Why it did not take the visit is not recorded. NGINX chose web-2.'
  assert.equal(text({ at }, web3('lost', later)), unknown)
  assert.equal(text({}), unknown)
})

test('a cookie of an unknown server is not a move', () => {
  assert.equal(
    text({ moved_from: { srv_id: 'd', name: null } }),
    'The cookie named a server that is not known here. Another board on this host may have set it: cookies are shared by all ports. NGINX chose web-2, as for a new visitor.',
  )
})

test('a visit whose arrival is not known yet has no made-up reason', () => {
  assert.equal(text({ arrival: null }), 'Loading this visit from the log.')
})

test('a phone hides the rows below those that it shows at first: an open row has one more below it', () => {
  const [table = '', style = ''] = ['log-table.tsx', 'log-panel.module.css'].map(file =>
    readFileSync(join(import.meta.dirname, file), 'utf8'),
  )
  const phoneRows = Number(/^export const phoneRows = (\d+)$/m.exec(table)?.[1])
  const firstHidden = style.matchAll(/tbody > :nth-child\(n \+ (\d+)\)/g)
  assert.deepEqual(
    [...firstHidden].map(([, place]) => Number(place)),
    [phoneRows + 1, phoneRows + 2],
  )
})
