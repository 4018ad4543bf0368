import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { RowDataPacket } from 'mysql2/promise'
import type { History } from '../../shared/api.ts'
import { openDatabase, serve } from '../../testing/endpoints.ts'
import { addInstance, numbers, running, srvIdOf } from '../../testing/log-rows.ts'
import { readClock, readHistory, writeSilence } from '../db/history.ts'
import { openUpkeepPool, openWritePool } from '../db/pools.ts'
import { onConnection } from '../db/query.ts'
import { retainHistory } from '../retention/retention.ts'
import { historyEndpoint } from './history.ts'

let database: Awaited<ReturnType<typeof openDatabase>>
let history: Awaited<ReturnType<typeof serve>>
/** ms for which the database did not answer lately */
let outageMs = 0
const board = { silenceOf: (silentMs: number) => silentMs - outageMs }

before(async () => {
  database = await openDatabase()
  history = await serve(historyEndpoint({ read: database.read, board }))
})

after(async () => {
  await history?.close()
  await database?.close()
})

beforeEach(async () => {
  await Promise.all(
    ['server_minute', 'server_bucket', 'server_event', 'server'].map(table =>
      database.fill.query(`TRUNCATE ${table}`),
    ),
  )
})

async function read(range: string): Promise<History> {
  const { status, body } = await history.get(`?range=${range}`)
  assert.equal(status, 200)
  return body
}

/** Hit counts that identify their minute: minutes since 1970, odd for server 1 and even for server 2, so that sums show a shift. */
const hitsOf = (minute: number, serverId: number) => (minute % 1000) * 2 + serverId

for (const [range, length] of Object.entries({ '1h': 61, '24h': 145 })) {
  test(`${range}: every minute is in its bucket, and every bucket is there`, async () => {
    await addInstance(database.fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1' })
    await addInstance(database.fill, { id: 2, srvId: srvIdOf('b'), name: 'web-2' })
    const now = Math.floor((await readClock(database.read)).getTime() / 60_000)
    // Every third minute, from before the range to after now, which the clock may reach while this runs.
    const minutes = numbers(now - 1500, now + 5).filter(minute => minute % 3 !== 0)
    const rows = minutes.flatMap(minute =>
      [1, 2].map(serverId => [new Date(minute * 60_000), serverId, hitsOf(minute, serverId)]),
    )
    await database.fill.query('INSERT INTO server_minute (minute, server_id, hits) VALUES ?', [rows])

    const { bucket_seconds: step, times, servers } = await read(range)
    assert.equal(times.length, length)
    for (const [at, time] of times.entries()) {
      const first = Date.parse(time) / 60_000
      if (at > 0) assert.equal(Date.parse(time) - Date.parse(times[at - 1] ?? ''), step * 1000)
      const inBucket = minutes.filter(minute => minute >= first && minute < first + step / 60)
      for (const [index, serverId] of [1, 2].entries()) {
        const expected = inBucket.reduce((sum, minute) => sum + hitsOf(minute, serverId), 0)
        assert.equal(servers[index]?.hits[at], expected, `${time}, server ${serverId}`)
      }
    }
    assert.ok(servers.every(server => server.hits.length === length))
  })
}

for (const range of ['5m', '1h', '24h']) {
  test(`${range}: short buckets and minutes are added up, each hit once, before and after retention moves them`, async () => {
    await addInstance(database.fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1' })
    const clock = await readClock(database.read)
    const now = Math.floor(clock.getTime() / 5000)
    // Every second short bucket of three hours, and a minute of a server that writes minutes only.
    const shortBuckets = numbers(now - 2160, now).filter(bucket => bucket % 2 === 0)
    const rows = shortBuckets.map(bucket => [new Date(bucket * 5000), 1, hitsOf(bucket, 1)])
    await database.fill.query('INSERT INTO server_bucket (start, server_id, hits) VALUES ?', [rows])
    const minute = Math.floor(now / 12) - 2
    await database.fill.query('INSERT INTO server_minute (minute, server_id, hits) VALUES (?, 1, 50)', [
      new Date(minute * 60_000),
    ])
    const check = async () => {
      const { bucket_seconds: step, times, servers } = await read(range)
      for (const [at, time] of times.entries()) {
        const first = Date.parse(time) / 5000
        const expected = shortBuckets
          .filter(bucket => bucket >= first && bucket < first + step / 5)
          .reduce((sum, bucket) => sum + hitsOf(bucket, 1), 0)
        const place = first - minute * 12
        const ofMinute =
          place < 0 || place >= 12 ? 0 : Math.floor((50 * (place + 1)) / 12) - Math.floor((50 * place) / 12)
        const isInBucket = minute * 12 >= first && minute * 12 < first + step / 5
        const minuteHits = step === 5 ? ofMinute : isInBucket ? 50 : 0
        assert.equal(servers[0]?.hits[at], expected + minuteHits, time)
      }
    }
    await check()
    const upkeep = openUpkeepPool(database.url)
    await onConnection(upkeep, connection => retainHistory(connection, clock, running)).finally(() =>
      upkeep.end(),
    )
    const [[left]] = await database.fill.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM server_bucket')
    assert.ok(left?.n > 300 && left?.n < 370, `${left?.n} short buckets are left`)
    await check()
  })
}

test('the current minute of a server that writes minutes only is spread over the buckets that have begun', async () => {
  await addInstance(database.fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1' })
  const start = new Date('2026-11-22T12:04:20.000Z')
  await database.fill.query(
    "INSERT INTO server_minute VALUES ('2026-11-22 12:04:00', 1, 7), ('2026-11-22 12:05:00', 1, 7)",
  )
  const counts = await readHistory(database.read, { start, bucketSeconds: 5, count: 10 })
  const hits = numbers(0, 9).map(at =>
    counts.filter(({ bucket }) => bucket === at).reduce((sum, count) => sum + count.hits, 0),
  )
  // Of the minute's twelve buckets the first four are before the range; the next minute has begun two buckets ago.
  assert.deepEqual(hits, [0, 1, 1, 0, 1, 0, 1, 1, 3, 4])
})

test('servers that could write no heartbeat because the database did not answer are not lost', async () => {
  await addInstance(database.fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1' })
  await database.fill.query(
    'UPDATE server SET ready_at = started_at, last_seen_at = UTC_TIMESTAMP(3) - INTERVAL 30 SECOND',
  )
  const lost = async () => {
    const { events, downs } = await read('5m')
    return [events.filter(({ type }) => type === 'lost').length, downs.length]
  }
  assert.deepEqual(await lost(), [1, 1])
  outageMs = 28_000
  assert.deepEqual(await lost(), [0, 0])
  outageMs = 0
})

test('a silence that is over is two events, and a downtime', async () => {
  await addInstance(database.fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1' })
  await database.fill.query('UPDATE server SET last_seen_at = UTC_TIMESTAMP(3) - INTERVAL 9 SECOND')
  const pool = openWritePool(database.url)
  try {
    await writeSilence(pool, { id: 1, srv_id: srvIdOf('a') }, 9500, 5000)
    await writeSilence(pool, { id: 1, srv_id: srvIdOf('b') }, 9500, 5000)
  } finally {
    await pool.end()
  }
  const { events, downs } = await read('5m')
  assert.deepEqual(
    events.map(({ type, by, id }) => [type, by, id]),
    [
      ['back', null, 1],
      ['lost', null, 1],
    ],
  )
  const [back, lost] = events.map(event => Date.parse(event.at))
  const ms = (back ?? 0) - (lost ?? 0)
  assert.ok(ms >= 9000, `${ms} ms`)
  assert.deepEqual(downs, [{ srv_id: srvIdOf('a'), name: 'web-1', times: 1, ms }])
})

test('without hits there are the times and no servers', async () => {
  await addInstance(database.fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1' })
  const { range, bucket_seconds: step, times, servers } = await read('1h')
  assert.deepEqual(
    { range, step, length: times.length, servers },
    { range: '1h', step: 60, length: 61, servers: [] },
  )
})

test('two instances at one address are two rows, in the order of their starts', async () => {
  await addInstance(database.fill, { id: 9, srvId: srvIdOf('a'), name: 'web-2' })
  await addInstance(database.fill, { id: 4, srvId: srvIdOf('a'), name: 'web-1' })
  await database.fill.query(
    `INSERT INTO server_minute (minute, server_id, hits)
     SELECT DATE_FORMAT(UTC_TIMESTAMP() - INTERVAL 2 MINUTE, '%Y-%m-%d %H:%i:00'), id, id FROM server`,
  )
  const { servers } = await read('5m')
  const sums = servers.map(({ hits, ...instance }) => ({ ...instance, sum: hits.reduce((a, b) => a + b) }))
  assert.deepEqual(sums, [
    { id: 4, srv_id: srvIdOf('a'), name: 'web-1', sum: 4 },
    { id: 9, srv_id: srvIdOf('a'), name: 'web-2', sum: 9 },
  ])
})

test('starts and ends of servers are reported, with and without hits', async () => {
  const ago = (seconds: number) => `UTC_TIMESTAMP(3) - INTERVAL ${seconds} SECOND`
  const insertInstance = (id: number, name: string, started: string, seen: string, stopped: string) =>
    database.fill.query(
      `INSERT INTO server (id, srv_id, name, address, started_at, ready_at, last_seen_at, stopped_at)
       VALUES (?, ?, ?, '10.0.0.1:3000', ${started}, ${started}, ${seen}, ${stopped})`,
      [id, srvIdOf(String(id)), name],
    )
  await insertInstance(1, 'web-1', ago(4000), ago(1), 'NULL')
  await insertInstance(2, 'web-2', ago(4000), ago(90), 'NULL')
  await insertInstance(3, 'web-3', ago(200), ago(101), ago(100))
  await insertInstance(4, 'web-4', ago(80), ago(1), 'NULL')
  await insertInstance(5, 'web-5', ago(9000), ago(5000), ago(5000))
  const { events, downs, servers } = await read('5m')
  assert.deepEqual(
    events.map(({ type, name }) => `${name} ${type}`),
    ['web-4 joined', 'web-2 lost', 'web-3 stopped', 'web-3 joined'],
  )
  assert.deepEqual(
    downs.map(({ name, times }) => [name, times]),
    [['web-2', 1]],
  )
  assert.ok((downs[0]?.ms ?? 0) >= 90_000, JSON.stringify(downs))
  assert.deepEqual(servers, [])
})

test('downtime that began before the range counts within it', async () => {
  const insertInstance = (id: number, started: number, seen: number, stopped: number | null) =>
    database.fill.query(
      `INSERT INTO server (id, srv_id, name, address, started_at, ready_at, last_seen_at, stopped_at)
       VALUES (?, ?, ?, '10.0.0.1:3000', ${[started, started, seen, stopped].map(ago => (ago === null ? 'NULL' : `UTC_TIMESTAMP(3) - INTERVAL ${ago} SECOND`)).join()})`,
      [id, srvIdOf(id < 3 ? '1' : String(id)), `web-${id}`],
    )
  await insertInstance(1, 9000, 4000, 100)
  await insertInstance(2, 100, 1, null)
  await insertInstance(3, 9000, 3000, null)
  await insertInstance(4, 9000, 3000, 3000)
  // Lost more than a day before the range: it counts as given up.
  await insertInstance(5, 900_000, 100_000, null)
  await database.fill.query('UPDATE server SET gone_at = last_seen_at WHERE id <> 2')
  const { downs, events, times } = await read('5m')
  const start = Date.parse(times[0] ?? '')
  const now = (await readClock(database.read)).getTime()
  assert.deepEqual(
    downs.map(({ name, times }) => [name, times]),
    [
      ['web-3', 1],
      ['web-2', 1],
    ],
  )
  const [still, back] = downs.map(({ ms }) => ms)
  assert.ok(Math.abs((still ?? 0) - (now - start)) < 60_000, `${still} of ${now - start} ms`)
  assert.ok(Math.abs((back ?? 0) - (now - start - 100_000)) < 60_000, `${back} ms`)
  assert.deepEqual(
    events.map(({ type, name }) => `${name} ${type}`),
    ['web-2 joined'],
  )
})

test('the range is 5m, 1h or 24h, and 5m when not said', async () => {
  assert.equal((await history.get()).body.range, '5m')
  for (const query of ['range=', 'range=2h', 'range=5M', 'range=1h&range=1h', 'step=60']) {
    const { status, body } = await history.get(`?${query}`)
    assert.equal(status, 400, query)
    assert.equal(body.error.code, 'bad_parameter')
  }
  assert.equal((await history.get('?range=2h')).body.error.message, 'range: must be 5m, 1h or 24h')
})
