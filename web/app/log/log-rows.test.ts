import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogPage, LogRow, ServerRow } from '../../shared/api.ts'
import { sampleLogRow, sampleServerRow } from '../../testing/samples.ts'
import {
  type Explained,
  explain,
  firstRows,
  isAll,
  logUrl,
  olderThan,
  orderedRows,
  pageRows,
  placeInLog,
  type ShownRow,
  walkLog,
} from './log-rows.ts'

test('what is not chosen does not stand in the address', () => {
  assert.equal(logUrl('/api/log.csv', { srv_id: '', client_ip: '' }), '/api/log.csv')
  assert.equal(logUrl('/api/log', { srv_id: 'ab', client_ip: '' }, 12), '/api/log?srv_id=ab&before=12')
  assert.equal(logUrl('/api/log', { srv_id: '', client_ip: 'fd00::7' }), '/api/log?client_ip=fd00%3A%3A7')
})

test('what is chosen stands there in browsers too that do not count the parameters', async () => {
  const size = Object.getOwnPropertyDescriptor(URLSearchParams.prototype, 'size') ?? {}
  Reflect.deleteProperty(URLSearchParams.prototype, 'size')
  try {
    assert.equal(logUrl('/api/log', { srv_id: 'ab', client_ip: '' }, 12), '/api/log?srv_id=ab&before=12')
  } finally {
    Object.defineProperty(URLSearchParams.prototype, 'size', size)
  }
})

test('a place in the log is a number, and anything else is the newest', () => {
  assert.equal(placeInLog('104'), 104)
  for (const text of ['', '0', '-1', '1e3', '12.5', ' 7', '9'.repeat(30)])
    assert.equal(placeInLog(text), null)
})

test('all are chosen when nothing is', () => {
  assert.equal(isAll({ srv_id: '', client_ip: '' }), true)
  assert.equal(isAll({ srv_id: '', client_ip: '::1' }), false)
})

/** A log of 1000 that looks through 100 numbers a call and finds those that divide by `by`. */
function rareRows(by: number) {
  const asked: (number | null)[] = []
  const ask = async (before: number | null): Promise<LogPage> => {
    asked.push(before)
    const from = (before ?? 1001) - 1
    const ids = Array.from({ length: Math.min(100, from) }, (_, at) => from - at).filter(id => id % by === 0)
    return { rows: ids.slice(0, 50).map(id => sampleLogRow({ id })), next: from > 100 ? from - 99 : null }
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

const start = '2026-11-22T11:00:00.000Z'
const later = '2026-11-22T12:00:08.000Z'

function web3(state: ServerRow['state'], lastSeen: string): ServerRow[] {
  const times = { started_at: start, last_seen_at: lastSeen }
  return [sampleServerRow({ id: 3, srv_id: 'c', name: 'web-3', state, ...times })]
}

const text = (row: Partial<Explained>, servers: ServerRow[] = []) =>
  explain(
    { arrival: 'moved', moved_from: { srv_id: 'c', name: 'web-3' }, server: 'web-2', at: later, ...row },
    servers,
  )

test('a visit without a cookie, and one whose cookie was followed', () => {
  assert.equal(
    text({ arrival: 'new', moved_from: null }),
    'No cookie that names a server: NGINX chose among the available servers.',
  )
  assert.equal(
    text({ arrival: 'returning', moved_from: null }),
    'The cookie named web-2, and web-2 could answer.',
  )
})

test('a cookie may be that of a server that had the address before', () => {
  const maybe = (name: string) =>
    text({ arrival: 'returning', moved_from: null, maybe_from: { srv_id: 'c', name } })
  assert.equal(
    maybe('web-5'),
    'The cookie named the address of web-2, which web-5 had shortly before. It may be from either.',
  )
  assert.match(maybe('web-2'), /which an earlier start of web-2 had shortly before/)
})

test('a move is put down to what its server was by then, in the words that the visitor was told', () => {
  assert.equal(
    text({}, web3('lost', at)),
    'The cookie named web-3. web-3 was lost: no heartbeat for 8 s. NGINX chose web-2.',
  )
})

test('a move from a server of which nothing is known by then is not explained away', () => {
  const unknown = 'The cookie named web-3. Why it was not reached is not recorded. NGINX chose web-2.'
  assert.equal(text({ at }, web3('lost', later)), unknown)
  assert.equal(text({}), unknown)
})

test('a cookie that names nobody is no move from anybody', () => {
  assert.equal(
    text({ moved_from: { srv_id: 'd', name: null } }),
    'The cookie named a server that is not known here. Another board on this host, at another port, may have set it: cookies know no ports. NGINX chose web-2, as for a new visitor.',
  )
})

test('of a visit whose arrival is not known yet nothing is made up', () => {
  assert.equal(text({ arrival: null }), 'What the log says of this visit is being read.')
})
