import assert from 'node:assert/strict'
import { once } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { eventually } from '../../../tools/lib/testing.ts'
import { closedGate, openDatabase, serve, watched } from '../../testing/endpoints.ts'
import { addHits, addInstance, addManyHits, numbers, srvIdOf } from '../../testing/log-rows.ts'
import { showAddress } from '../http/client-address.ts'
import type { Endpoint } from '../http/router.ts'
import { logCsvEndpoint, logEndpoint } from './log.ts'

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

const csvHeader = 'id,at,client_ip,srv_id,server,arrival,moved_from_srv_id,moved_from_server'

/** what `startExport` serves, for one test */
let exporters: Awaited<ReturnType<typeof serve>>[] = []

afterEach(async () => {
  await Promise.all(exporters.map(one => one.close()))
  exporters = []
})

async function startExport(endpoint: Endpoint = logCsvEndpoint({ read: database.read, addresses: 'short' })) {
  const one = await serve(endpoint)
  exporters.push(one)
  return one
}

async function idsIn(response: Response): Promise<number[]> {
  const lines = (await response.text()).split('\r\n')
  assert.equal(lines.shift(), csvHeader)
  assert.equal(lines.pop(), '')
  return lines.map(line => Number(line.split(',')[0]))
}

test('the log comes as a file of records under a header', async () => {
  await addHits(database.fill, [
    { id: 1, ip: '203.0.113.7' },
    { id: 2, ip: '2001:db8:1::7', cookie: srvIdOf('a') },
    { id: 3, cookie: srvIdOf('b') },
  ])
  await database.fill.query('UPDATE server SET name = \'=cmd("a",1)\'')
  const { url } = await startExport()
  const response = await fetch(url)
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/csv; charset=utf-8; header=present')
  assert.equal(response.headers.get('content-disposition'), 'attachment; filename="balance-board-log.csv"')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const name = `"'=cmd(""a"",1)"`
  const a = srvIdOf('a')
  assert.equal(
    await response.text(),
    [
      csvHeader,
      `3,2026-11-22T12:04:31.203Z,10.0.0.7,${a},${name},moved,${srvIdOf('b')},`,
      `2,2026-11-22T12:04:31.203Z,2001:db8:1::/48,${a},${name},returning,,`,
      `1,2026-11-22T12:04:31.203Z,203.0.113.x,${a},${name},new,,`,
      '',
    ].join('\r\n'),
  )
})

test('an export of an empty log is a header', async () => {
  const { url } = await startExport()
  assert.equal(await (await fetch(url)).text(), `${csvHeader}\r\n`)
})

test('HEAD of an export answers the header fields alone', async () => {
  const { url } = await startExport()
  const response = await fetch(url, { method: 'HEAD' })
  assert.equal(response.headers.get('content-type'), 'text/csv; charset=utf-8; header=present')
  assert.equal(await response.text(), '')
  assert.equal((await fetch(`${url}?limit=0`, { method: 'HEAD' })).status, 400)
})

test('an export takes the filters, the start and the limit of the log', async () => {
  await addManyHits(database.fill, 1, 12_000)
  await addHits(
    database.fill,
    numbers(12_001, 12_100).map(id => ({ id, ip: '203.0.113.7' })),
  )
  const { url } = await startExport()
  assert.deepEqual(await idsIn(await fetch(url)), numbers(1, 12_100).reverse())
  assert.deepEqual(await idsIn(await fetch(`${url}?limit=2500&before=6001`)), numbers(3501, 6000).reverse())
  assert.deepEqual(
    await idsIn(await fetch(`${url}?client_ip=203.0.113.x&limit=7`)),
    numbers(12_094, 12_100).reverse(),
  )
  assert.deepEqual(await idsIn(await fetch(`${url}?client_ip=203.0.112.x`)), [])
  for (const query of ['limit=100001', 'client_ip=203.0.113.7', 'srv_id=x', 'page=1']) {
    assert.equal((await fetch(`${url}?${query}`)).status, 400, query)
  }
})

test('an export ends at 100,000 rows, and goes on from the last one', async () => {
  await addManyHits(database.fill, 1, 100_050)
  const { url } = await startExport()
  assert.deepEqual(await idsIn(await fetch(url)), numbers(51, 100_050).reverse())
  assert.deepEqual(await idsIn(await fetch(`${url}?before=51`)), numbers(1, 50).reverse())
})

test('two exports run concurrently; a third is refused, and accepted once one has ended', async () => {
  await addManyHits(database.fill, 1, 3000)
  const gate = closedGate()
  const { url, requests } = await startExport(
    logCsvEndpoint({ read: watched(database.read, gate.pass), addresses: 'short' }),
  )
  const running = [fetch(url), fetch(url)]
  await eventually(() => requests() === 2)
  const third = await fetch(url)
  assert.equal(third.status, 503)
  assert.equal(third.headers.get('retry-after'), '5')
  assert.equal((await third.json()).error.code, 'too_many_exports')
  gate.open()
  for (const response of await Promise.all(running)) assert.equal((await idsIn(response)).length, 3000)
  assert.equal((await idsIn(await fetch(url))).length, 3000)
})

/** Requests the whole log and reads none of it. */
async function connectAndStall(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).pause()
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'connect')
  return socket
}

test('no more is read than the client takes, and one that leaves makes room', async () => {
  await addManyHits(database.fill, 1, 100_000)
  let reads = 0
  const counted = watched(database.read, () => {
    reads += 1
  })
  const endless = { clientMs: 600_000, waitMs: 600_000, stalledMs: 600_000 }
  const { url } = await startExport(logCsvEndpoint({ read: counted, addresses: 'short', ...endless }))
  const other = await startExport()
  const stalled = [await connectAndStall(url), await connectAndStall(url)]
  await eventually(() => reads > 4)
  assert.equal((await idsIn(await fetch(other.url))).length, 100_000)
  // One client took it all meanwhile; the other two would have too, with 200 reads each.
  assert.ok(reads < 200, `${reads} reads`)
  assert.equal((await fetch(url)).status, 503)
  stalled[0]?.destroy()
  await eventually(async () => (await fetch(`${url}?limit=1`)).status === 200)
  stalled[1]?.destroy()
})

test('a client that takes too long is cut off and makes room', async () => {
  await addManyHits(database.fill, 1, 100_000)
  const { url, requests } = await startExport(
    logCsvEndpoint({ read: database.read, addresses: 'short', longestMs: 200 }),
  )
  const stalled = [await connectAndStall(url), await connectAndStall(url)]
  await eventually(() => requests() === 2)
  await eventually(async () => (await fetch(`${url}?limit=1`)).status === 200)
  for (const socket of stalled) socket.destroy()
})

test('a client that takes nothing for a while is cut off and makes room', async () => {
  await addManyHits(database.fill, 1, 100_000)
  const { url, requests } = await startExport(
    logCsvEndpoint({ read: database.read, addresses: 'short', waitMs: 500, stalledMs: 600_000 }),
  )
  const stalled = [await connectAndStall(url), await connectAndStall(url)]
  await eventually(() => requests() === 2)
  await eventually(async () => (await fetch(`${url}?limit=1`)).status === 200)
  for (const socket of stalled) socket.destroy()
})

test('a client that has stalled gives its place to the next one', async () => {
  await addManyHits(database.fill, 1, 100_000)
  const { url, requests } = await startExport(
    logCsvEndpoint({ read: database.read, addresses: 'short', stalledMs: 200 }),
  )
  const stalled = [await connectAndStall(url), await connectAndStall(url)]
  await eventually(() => requests() === 2)
  await eventually(async () => (await fetch(`${url}?limit=1`)).status === 200)
  for (const socket of stalled) socket.destroy()
})

test('an export that waits for the database has not stalled', async () => {
  await addManyHits(database.fill, 1, 3000)
  const gate = closedGate()
  const read = watched(database.read, gate.pass)
  const { url, requests } = await startExport(logCsvEndpoint({ read, addresses: 'short', stalledMs: 1 }))
  const running = [fetch(url), fetch(url)]
  await eventually(() => requests() === 2)
  assert.equal((await fetch(url)).status, 503)
  gate.open()
  for (const response of await Promise.all(running)) assert.equal((await idsIn(response)).length, 3000)
})

test('nothing more is read for a client that has left, even where nothing was found to send', async () => {
  await addManyHits(database.fill, 1, 100_000)
  let reads = 0
  let gate = closedGate()
  const counted = watched(database.read, () => {
    reads += 1
    // The first page (two reads) may go; the rest waits.
    return reads > 2 ? gate.pass() : undefined
  })
  const { url } = await startExport(logCsvEndpoint({ read: counted, addresses: 'short' }))
  const client = new AbortController()
  const response = await fetch(`${url}?client_ip=10.0.0.8`, { signal: client.signal })
  assert.equal(response.status, 200)
  client.abort()
  await eventually(() => reads === 3)
  const left = gate
  gate = closedGate()
  gate.open()
  left.open()
  const other = await fetch(`${url}?limit=1`)
  assert.deepEqual(await idsIn(other), [100_000])
  // 20 pages would have been 40 reads: only the page in progress was read.
  assert.ok(reads <= 8, `${reads} reads`)
})

test('a client that left before the first rows were read is no error', async () => {
  await addHits(database.fill, [{ id: 1 }])
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  response.destroy()
  const endpoint = logCsvEndpoint({ read: database.read, addresses: 'short' })
  await endpoint(request, response, new URL('http://replica/api/log.csv'))
})

test('a database that fails before the first row is an error, and later a file that is cut off', async () => {
  await addManyHits(database.fill, 1, 5000)
  let reads = 0
  let failing = 1
  const broken = watched(database.read, () => {
    reads += 1
    if (reads >= failing)
      throw Object.assign(new Error('the database is gone'), { code: 'PROTOCOL_CONNECTION_LOST' })
  })
  const { url } = await startExport(logCsvEndpoint({ read: broken, addresses: 'short' }))
  assert.equal((await fetch(url)).status, 503)
  reads = 0
  failing = 5
  const response = await fetch(url)
  assert.equal(response.status, 200)
  await assert.rejects(response.text())
  failing = Number.POSITIVE_INFINITY
  assert.equal((await idsIn(await fetch(url))).length, 5000)
})
