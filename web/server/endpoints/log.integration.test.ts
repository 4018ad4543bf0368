import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { openDatabase, serve } from '../../testing/endpoints.ts'
import { addHits, addInstance, addManyHits, numbers, srvIdOf } from '../../testing/log-rows.ts'
import { showAddress } from '../http/client-address.ts'
import { csvRecord, logEndpoint, nextWaitMs } from './log.ts'

let database: Awaited<ReturnType<typeof openDatabase>>
let log: Awaited<ReturnType<typeof serve>>
let fullLog: Awaited<ReturnType<typeof serve>>

before(async () => {
  database = await openDatabase()
  log = await serve(logEndpoint({ read: database.read, addresses: 'short' }))
  fullLog = await serve(logEndpoint({ read: database.read, addresses: 'full' }))
})

after(async () => {
  await Promise.all([log?.close(), fullLog?.close()])
  await database?.close()
})

beforeEach(async () => {
  await Promise.all(['access_log', 'server'].map(table => database.fill.query(`TRUNCATE ${table}`)))
  await addInstance(database.fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1' })
})

/** All pages from the newest on: each one's numbers. */
async function walk(query: string, served = log): Promise<number[][]> {
  const pages: number[][] = []
  for (let next: number | null = Number.MAX_SAFE_INTEGER; next !== null; ) {
    const { status, body } = await served.get(`?${query}&before=${next}`)
    assert.equal(status, 200)
    pages.push(body.rows.map((row: { id: number }) => row.id))
    assert.ok(body.next === null || body.next < next, 'it goes on further down')
    next = body.next
  }
  return pages
}

test('an empty log is one empty page', async () => {
  assert.deepEqual(await log.get(), { status: 200, body: { rows: [], next: null } })
})

test('a row says when, from where, which server answered and why that one', async () => {
  await addHits(database.fill, [{ id: 1, at: '2026-11-22 12:04:31.203' }])
  const { body } = await log.get()
  assert.deepEqual(body, {
    rows: [
      {
        id: 1,
        at: '2026-11-22T12:04:31.203Z',
        client_ip: '10.0.0.7',
        srv_id: srvIdOf('a'),
        server: 'web-1',
        arrival: 'new',
        moved_from: null,
      },
    ],
    next: null,
  })
})

test('at every page size the pages are the log, newest first, without gap or double', async () => {
  await addHits(
    database.fill,
    numbers(101, 125).map(id => ({ id })),
  )
  for (const limit of numbers(1, 27)) {
    const pages = await walk(`limit=${limit}`)
    assert.deepEqual(pages.flat(), numbers(101, 125).reverse(), `limit ${limit}`)
    assert.equal(pages.length, Math.ceil(25 / limit), `limit ${limit}`)
  }
})

test('a page has 50 rows by default, and at most 200', async () => {
  await addManyHits(database.fill, 1, 250)
  assert.equal((await log.get()).body.rows.length, 50)
  assert.equal((await log.get('?limit=200')).body.rows.length, 200)
  assert.equal((await log.get('?limit=201')).status, 400)
})

test('from beyond the end the newest come, from the first on nothing', async () => {
  await addHits(database.fill, [{ id: 7 }, { id: 8 }])
  const newest = { rows: [8, 7], next: null }
  for (const start of ['9', '5000000', '9007199254740991']) {
    const { body } = await log.get(`?before=${start}`)
    assert.deepEqual({ ...body, rows: body.rows.map((row: { id: number }) => row.id) }, newest)
  }
  for (const start of [7, 1]) {
    assert.deepEqual((await log.get(`?before=${start}`)).body, { rows: [], next: null })
  }
})

test('rows that were taken out of the middle end nothing', async () => {
  await addManyHits(database.fill, 1, 10)
  await addManyHits(database.fill, 20_000, 20_010)
  assert.deepEqual((await walk('limit=50')).flat(), [...numbers(1, 10), ...numbers(20_000, 20_010)].reverse())
})

test('a filter that matches nothing walks to the end in bounded steps', async () => {
  await addManyHits(database.fill, 1, 12_000)
  assert.deepEqual(await walk('client_ip=10.0.0.8'), [[], [], []])
  assert.deepEqual(await walk(`srv_id=${srvIdOf('f')}`), [[]])
})

test('a filter finds its rows wherever they stand, at every page size', async () => {
  await addManyHits(database.fill, 1, 12_000)
  const odd = [1, 2, 3, 5000, 5001, 7000, 7001, 11_999, 12_000]
  await database.fill.query('UPDATE access_log SET client_ip = ? WHERE id IN (?)', ['10.0.0.8', odd])
  for (const limit of numbers(1, 10)) {
    const pages = await walk(`client_ip=10.0.0.8&limit=${limit}`)
    assert.deepEqual(pages.flat(), odd.toReversed(), `limit ${limit}`)
  }
})

test('a server that left long ago is found immediately, with all its instances', async () => {
  await addInstance(database.fill, { id: 2, srvId: srvIdOf('b'), name: 'web-2' })
  await addInstance(database.fill, { id: 3, srvId: srvIdOf('b'), name: 'web-3' })
  await addInstance(database.fill, { id: 4, srvId: srvIdOf('b'), name: 'web-4', hits: 0 })
  await addHits(database.fill, [
    { id: 1 },
    { id: 2, srvId: srvIdOf('b'), serverId: 2 },
    { id: 3, srvId: srvIdOf('b'), serverId: 3 },
    { id: 4 },
  ])
  await addManyHits(database.fill, 5, 30_000)
  const { body } = await log.get(`?srv_id=${srvIdOf('b')}`)
  assert.deepEqual(
    body.rows.map((row: { id: number; server: string }) => [row.id, row.server]),
    [
      [3, 'web-3'],
      [2, 'web-2'],
    ],
  )
  assert.equal(body.next, null)
  assert.deepEqual(await walk(`srv_id=${srvIdOf('b')}&limit=1`), [[3], [2]])
  assert.deepEqual((await walk(`srv_id=${srvIdOf('a')}&limit=200`)).flat().length, 29_998)
  assert.deepEqual((await walk(`srv_id=${srvIdOf('b')}&client_ip=10.0.0.9`)).flat(), [])
})

test('why a hit went where it did: no cookie, its own, or that of another', async () => {
  const early = '2026-11-22 12:00:00.000'
  await addInstance(database.fill, { id: 2, srvId: srvIdOf('b'), name: 'web-2', startedAt: early })
  await addInstance(database.fill, {
    id: 3,
    srvId: srvIdOf('b'),
    name: 'web-3',
    startedAt: '2026-11-22 12:05:00.000',
  })
  await addHits(database.fill, [
    { id: 1, cookie: null },
    { id: 2, cookie: srvIdOf('a') },
    { id: 3, cookie: srvIdOf('b'), at: '2026-11-22 12:04:59.999' },
    { id: 4, cookie: srvIdOf('b'), at: '2026-11-22 12:05:00.001' },
    { id: 5, cookie: srvIdOf('b'), at: '2026-11-22 11:59:59.999' },
    { id: 6, cookie: srvIdOf('c') },
  ])
  const { body } = await log.get()
  assert.deepEqual(
    body.rows.map((row: { arrival: string; moved_from: unknown }) => [row.arrival, row.moved_from]),
    [
      ['moved', { srv_id: srvIdOf('c'), name: null }],
      ['moved', { srv_id: srvIdOf('b'), name: null }],
      ['moved', { srv_id: srvIdOf('b'), name: 'web-3' }],
      ['moved', { srv_id: srvIdOf('b'), name: 'web-2' }],
      ['returning', null],
      ['new', null],
    ],
  )
})

const addresses = [
  '203.0.113.7',
  '203.0.113.255',
  '203.0.11.30',
  '203.0.114.7',
  '32.1.13.184',
  '10.0.0.7',
  '127.0.0.1',
  '2001:db8:1::7',
  '2001:db8:1:2::7',
  '2001:db8::7',
  '2001:db8:0:1::7',
  '2001:db8:11::7',
  '2002:cb00:7107::1',
  '2002:cb00:7207::1',
  'fd00::7',
  '::1',
]

for (const mode of ['short', 'full'] as const) {
  test(`filtering by any address as shown (${mode}) gives exactly the rows that show it`, async () => {
    await addHits(
      database.fill,
      addresses.map((ip, at) => ({ id: at + 1, ip })),
    )
    const served = mode === 'short' ? log : fullLog
    const { body } = await served.get()
    const shown = addresses.map(address => showAddress(address, mode))
    assert.deepEqual(
      body.rows.map((row: { client_ip: string }) => row.client_ip),
      shown.toReversed(),
    )
    for (const one of shown) {
      const expected = shown.flatMap((other, at) => (other === one ? [at + 1] : []))
      assert.deepEqual((await walk(`client_ip=${one}`, served)).flat(), expected.reverse(), one)
    }
  })
}

test('a hidden address cannot be a filter', async () => {
  const { status, body } = await log.get('?client_ip=203.0.113.7')
  assert.equal(status, 400)
  assert.equal(body.error.message, 'client_ip: public addresses are shortened here; ask for 203.0.113.x')
})

test('a parameter that cannot be taken is named', async () => {
  for (const query of [
    'limit=0',
    'before=x',
    'srv_id=ABC',
    `srv_id=${srvIdOf('A')}`,
    'client_ip=',
    'page=2',
    'limit=1&limit=2',
  ]) {
    const { status, body } = await log.get(`?${query}`)
    assert.equal(status, 400, query)
    assert.equal(body.error.code, 'bad_parameter')
    assert.match(body.error.message, new RegExp(`^${query.split('=')[0]}: `))
  }
})

const patience = { clientMs: 10_000, waitMs: 30_000 }

test('a client has ten seconds, ten more for each megabyte, and never thirty in one piece', () => {
  assert.equal(nextWaitMs(patience, 0, 0), 10_000)
  assert.equal(nextWaitMs(patience, 1_000_000, 0), 20_000)
  assert.equal(nextWaitMs(patience, 9_000_000, 0), 30_000)
  assert.equal(nextWaitMs(patience, 9_000_000, 99_000), 1000)
})

test('a client that takes a little now and then has none left', () => {
  assert.equal(nextWaitMs(patience, 500_000, 15_000), 0)
  assert.equal(nextWaitMs(patience, 500_000, 60_000), 0)
})

test('plain fields stand as they are, null as nothing', () => {
  assert.equal(csvRecord([1, 'web-1', null, '2001:db8:1::/48']), '1,web-1,,2001:db8:1::/48\r\n')
})

test('what would end a field is quoted', () => {
  assert.equal(csvRecord(['a,b', 'say "hi"', 'two\r\nlines']), '"a,b","say ""hi""","two\r\nlines"\r\n')
})

test('no field is a formula to a spreadsheet', () => {
  assert.equal(csvRecord(['=1+1', '+1', '-1', '@SUM(A1)']), "'=1+1,'+1,'-1,'@SUM(A1)\r\n")
  assert.equal(csvRecord(['=HYPERLINK("x")', '\t=1']), `"'=HYPERLINK(""x"")",'\t=1\r\n`)
})
