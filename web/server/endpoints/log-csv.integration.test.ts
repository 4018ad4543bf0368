import assert from 'node:assert/strict'
import { once } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { eventually } from '../../../tools/lib/testing.ts'
import { closedGate, openDatabase, serve, watched } from '../../testing/endpoints.ts'
import { addHits, addInstance, addManyHits, numbers, srvIdOf } from '../../testing/log-rows.ts'
import type { Endpoint } from '../http/router.ts'
import { logCsvEndpoint } from './log.ts'

const header = 'id,at,client_ip,srv_id,server,arrival,moved_from_srv_id,moved_from_server'

let database: Awaited<ReturnType<typeof openDatabase>>
let served: Awaited<ReturnType<typeof serve>>[] = []

before(async () => {
  database = await openDatabase()
})

after(() => database?.close())

beforeEach(async () => {
  await Promise.all(['access_log', 'server'].map(table => database.fill.query(`TRUNCATE ${table}`)))
  await addInstance(database.fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1' })
})

afterEach(async () => {
  await Promise.all(served.map(one => one.close()))
  served = []
})

async function start(endpoint: Endpoint = logCsvEndpoint({ read: database.read, addresses: 'short' })) {
  const one = await serve(endpoint)
  served.push(one)
  return one
}

async function idsIn(response: Response): Promise<number[]> {
  const lines = (await response.text()).split('\r\n')
  assert.equal(lines.shift(), header)
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
  const { url } = await start()
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
      header,
      `3,2026-11-22T12:04:31.203Z,10.0.0.7,${a},${name},moved,${srvIdOf('b')},`,
      `2,2026-11-22T12:04:31.203Z,2001:db8:1::/48,${a},${name},returning,,`,
      `1,2026-11-22T12:04:31.203Z,203.0.113.x,${a},${name},new,,`,
      '',
    ].join('\r\n'),
  )
})

test('an empty log is a header', async () => {
  const { url } = await start()
  assert.equal(await (await fetch(url)).text(), `${header}\r\n`)
})

test('HEAD answers the header fields alone', async () => {
  const { url } = await start()
  const response = await fetch(url, { method: 'HEAD' })
  assert.equal(response.headers.get('content-type'), 'text/csv; charset=utf-8; header=present')
  assert.equal(await response.text(), '')
  assert.equal((await fetch(`${url}?limit=0`, { method: 'HEAD' })).status, 400)
})

test('it takes the filters, the start and the limit of the log', async () => {
  await addManyHits(database.fill, 1, 12_000)
  await addHits(
    database.fill,
    numbers(12_001, 12_100).map(id => ({ id, ip: '203.0.113.7' })),
  )
  const { url } = await start()
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

test('it ends at 100,000 rows, and goes on from the last one', async () => {
  await addManyHits(database.fill, 1, 100_050)
  const { url } = await start()
  assert.deepEqual(await idsIn(await fetch(url)), numbers(51, 100_050).reverse())
  assert.deepEqual(await idsIn(await fetch(`${url}?before=51`)), numbers(1, 50).reverse())
})

test('two exports run concurrently; a third is refused, and accepted once one has ended', async () => {
  await addManyHits(database.fill, 1, 3000)
  const gate = closedGate()
  const { url, requests } = await start(
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
  const { url } = await start(logCsvEndpoint({ read: counted, addresses: 'short', ...endless }))
  const other = await start()
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
  const { url, requests } = await start(
    logCsvEndpoint({ read: database.read, addresses: 'short', longestMs: 200 }),
  )
  const stalled = [await connectAndStall(url), await connectAndStall(url)]
  await eventually(() => requests() === 2)
  await eventually(async () => (await fetch(`${url}?limit=1`)).status === 200)
  for (const socket of stalled) socket.destroy()
})

test('a client that takes nothing for a while is cut off and makes room', async () => {
  await addManyHits(database.fill, 1, 100_000)
  const { url, requests } = await start(
    logCsvEndpoint({ read: database.read, addresses: 'short', waitMs: 500, stalledMs: 600_000 }),
  )
  const stalled = [await connectAndStall(url), await connectAndStall(url)]
  await eventually(() => requests() === 2)
  await eventually(async () => (await fetch(`${url}?limit=1`)).status === 200)
  for (const socket of stalled) socket.destroy()
})

test('a client that has stalled gives its place to the next one', async () => {
  await addManyHits(database.fill, 1, 100_000)
  const { url, requests } = await start(
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
  const { url, requests } = await start(logCsvEndpoint({ read, addresses: 'short', stalledMs: 1 }))
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
  const { url } = await start(logCsvEndpoint({ read: counted, addresses: 'short' }))
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
  const { url } = await start(logCsvEndpoint({ read: broken, addresses: 'short' }))
  assert.equal((await fetch(url)).status, 503)
  reads = 0
  failing = 5
  const response = await fetch(url)
  assert.equal(response.status, 200)
  await assert.rejects(response.text())
  failing = Number.POSITIVE_INFINITY
  assert.equal((await idsIn(await fetch(url))).length, 5000)
})
