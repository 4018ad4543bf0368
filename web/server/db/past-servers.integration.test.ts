import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RowDataPacket } from 'mysql2/promise'
import { openDatabase } from '../../testing/endpoints.ts'
import { explainCases, rowsRead } from '../../testing/explain.ts'
import { addHits, addInstance, addManyHits, openBoard, srvIdOf } from '../../testing/log-rows.ts'
import { sampleHealth } from '../../testing/samples.ts'
import { countLog } from '../retention/retention.ts'
import { readBoard } from './board.ts'
import { readInstances } from './history.ts'
import { readLogPage } from './log.ts'
import { markGoneServers, recountPastHits } from './past-servers.ts'
import { openReadPool } from './pools.ts'
import { onConnection } from './query.ts'
import { writeHeartbeat } from './server-state.ts'
import { checkLimits, registerServer } from './servers.ts'

type Board = Awaited<ReturnType<typeof openBoard>>

/** Past instances at one address, ten seconds each, the last of which ended `ago` seconds ago. Each counted one hit. */
async function addPast(board: Board, instances: number, ago = 3600): Promise<void> {
  await board.fill.query(
    `INSERT INTO server (srv_id, name, address, hits, started_at, ready_at, last_seen_at, stopped_at)
     SELECT ?, 'web-1', '10.0.0.1:3000', 1, UTC_TIMESTAMP(3) - INTERVAL (n.n * 10 + 10 + ?) SECOND,
       UTC_TIMESTAMP(3) - INTERVAL (n.n * 10 + 8 + ?) SECOND, UTC_TIMESTAMP(3) - INTERVAL (n.n * 10 + ?) SECOND, NULL
     FROM (
       WITH RECURSIVE numbers AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < 1000)
       SELECT a.n * 1000 + b.n AS n FROM numbers a JOIN numbers b
     ) n WHERE n.n < ? ORDER BY n.n DESC`,
    [srvIdOf('a'), ago, ago, ago, instances],
  )
  await board.fill.query('UPDATE global_counter SET value = value + ?', [instances])
}

async function markAll(board: Board): Promise<number> {
  let marked = 0
  await onConnection(board.replicas[0].upkeep, async connection => {
    for (;;) {
      const n = await markGoneServers(connection, new Date())
      if (n === 0) return
      marked += n
    }
  })
  return marked
}

test('hits of gone servers are summed exactly, and servers of the last minutes are not included', async () => {
  await using board = await openBoard()
  await addPast(board, 2500)
  await addPast(board, 40, 0)
  await board.fill.query('UPDATE server SET hits = id')
  const [[sum]] = await board.fill.query<RowDataPacket[]>('SELECT SUM(hits) AS hits FROM server')
  const before = (await board.audit()).sum_hits
  assert.equal(before, Number(sum?.hits))
  assert.equal(await markAll(board), 2500)
  assert.equal((await board.audit()).sum_hits, before)
  const readRows = async (sql: string) => (await board.fill.query<RowDataPacket[]>(sql))[0]
  assert.deepEqual(
    await readRows('SELECT first_id, CAST(hits AS CHAR) AS hits FROM past_hits ORDER BY first_id'),
    await readRows(
      `SELECT id - id % 1000 AS first_id, CAST(SUM(hits) AS CHAR) AS hits FROM server WHERE gone_at IS NOT NULL
       GROUP BY id - id % 1000 ORDER BY first_id`,
    ),
  )
})

test('a changed hit count of a past server is noticed when its sum is computed again', async () => {
  await using board = await openBoard()
  await addPast(board, 1500)
  await markAll(board)
  const { counter, sum_hits } = await board.audit()
  assert.equal(sum_hits, counter)
  await board.fill.query('UPDATE server SET hits = hits + 1 WHERE id = 20')
  await onConnection(board.replicas[0].upkeep, connection => recountPastHits(connection, 10))
  assert.equal((await board.audit()).sum_hits, counter + 1)
  await board.fill.query('UPDATE server SET hits = hits - 1 WHERE id = 20')
  await onConnection(board.replicas[0].upkeep, connection => recountPastHits(connection, 10))
  assert.equal((await board.audit()).sum_hits, counter)
})

test('100,000 past servers cost next to nothing: the board, the audit, the history, a start and a heartbeat', async () => {
  await using board = await openBoard()
  await board.log(100)
  await addPast(board, 100_000)
  await markAll(board)
  await board.fill.query('ANALYZE TABLE server, past_hits')
  const one = openReadPool(board.url)
  try {
    for (const { name, run } of explainCases(100, srvIdOf('a'))) {
      const read = await rowsRead(one, () => run(one))
      assert.ok(read < 2500, `${name}: ${read} rows and index entries were read`)
    }
    const day = await rowsRead(one, () => readInstances(one, new Date(Date.now() - 172_800_000), 200))
    assert.ok(day < 2500, `instances of two days: ${day} rows and index entries were read`)
    const server = { srv_id: srvIdOf('a'), name: 'web-1' }
    const start = await rowsRead(one, async () => {
      await registerServer(one, { srvId: server.srv_id, address: '10.0.0.1:3000', name: null })
      await checkLimits(one)
    })
    assert.ok(start < 200, `a start: ${start} rows and index entries were read`)
    const { id } = await registerServer(one, { srvId: server.srv_id, address: '10.0.0.1:3000', name: null })
    const heartbeat = await rowsRead(one, async () => {
      await writeHeartbeat(one, { ...server, id }, sampleHealth(), 5000)
      await readBoard(one, 5000)
    })
    assert.ok(heartbeat < 200, `a heartbeat: ${heartbeat} rows and index entries were read`)
    assert.equal((await readBoard(one, 5000)).servers.length, 1)
  } finally {
    await one.end()
  }
})

test('the server that a visitor moved from costs one index entry per row, however many servers started there later', async () => {
  await using board = await openBoard()
  await addPast(board, 100_000)
  await markAll(board)
  const oldest = await startsOf(board, 10)
  await addInstance(board.fill, { id: 200_001, srvId: srvIdOf('b'), name: 'web-2' })
  await board.fill.query("UPDATE server SET name = CONCAT('was-', id) WHERE id <= 10")
  // A page and more: each visitor moved from one of the first ten servers, some ms after it started.
  const hits = Array.from({ length: 400 }, (_, index) => ({
    id: index + 1,
    srvId: srvIdOf('b'),
    serverId: 200_001,
    cookie: srvIdOf('a'),
    at: new Date((oldest[index % 10] ?? 0) + index).toISOString().replace('T', ' ').replace('Z', ''),
  }))
  await addHits(board.fill, hits)
  await board.fill.query('ANALYZE TABLE server, access_log')
  const one = openReadPool(board.url)
  try {
    const tail = { after: 0, limit: 50, showAddress: (address: string) => address }
    const { log } = await readBoard(one, 60_000, tail)
    assert.deepEqual(
      log.map(row => row.moved_from?.name),
      hits
        .slice(-50)
        .toReversed()
        .map(({ id }) => `was-${((id - 1) % 10) + 1}`),
    )
    const reading = await rowsRead(one, () => readBoard(one, 60_000, tail))
    assert.ok(reading < 500, `the board: ${reading} rows and index entries were read`)
    const all = { srvId: null, clientAddresses: null }
    const place = { before: 401, limit: 400 }
    const page = await rowsRead(one, () => readLogPage(one, all, place, address => address))
    assert.ok(page < 2000, `a page: ${page} rows and index entries were read`)
  } finally {
    await one.end()
  }
})

/** When the first instances started, in ms since 1970. */
async function startsOf(board: Board, instances: number): Promise<number[]> {
  const [rows] = await board.fill.query<RowDataPacket[]>(
    'SELECT started_at FROM server ORDER BY id LIMIT ?',
    [instances],
  )
  return rows.map(row => new Date(`${row.started_at}`.replace(' ', 'T').replace(/Z?$/, 'Z')).getTime())
}

const longLog = 150_000
const instances = 1000

let longLogDatabase: Awaited<ReturnType<typeof openDatabase>>

// One server that was started a thousand times and counted as many hits each time.
before(async () => {
  longLogDatabase = await openDatabase()
  const { fill } = longLogDatabase
  const started = Array.from({ length: instances }, (_, earlier) => [
    earlier + 1,
    srvIdOf('a'),
    'web-1',
    '10.0.0.1:3000',
    longLog / instances,
    new Date(0),
    new Date(0),
  ])
  await fill.query(
    'INSERT INTO server (id, srv_id, name, address, hits, started_at, last_seen_at) VALUES ?',
    [started],
  )
  await addManyHits(fill, 1, longLog)
  await fill.query('UPDATE access_log SET server_id = 1 + FLOOR((id - 1) / ?)', [longLog / instances])
  await fill.query('UPDATE global_counter SET value = ?', [longLog])
  // A minute for each instance; the hits of the last hour are in buckets of five seconds.
  await fill.query(
    `INSERT INTO server_minute (minute, server_id, hits)
     SELECT DATE_FORMAT(UTC_TIMESTAMP() - INTERVAL id MINUTE, '%Y-%m-%d %H:%i:00'), id, hits FROM server WHERE id > 60`,
  )
  await fill.query(
    `INSERT INTO server_bucket (start, server_id, hits)
     SELECT DATE_FORMAT(UTC_TIMESTAMP() - INTERVAL s.id MINUTE, '%Y-%m-%d %H:%i:00') + INTERVAL (b.id - 1) * 5 SECOND, s.id, s.hits
     FROM server s JOIN server b ON b.id <= 12 WHERE s.id <= 60`,
  )
  await onConnection(fill, connection => countLog(connection, new AbortController().signal))
  await fill.query('ANALYZE TABLE access_log, server, server_bucket, server_minute')
})

after(() => longLogDatabase?.close())

// Twice what a page scans, what the audit counts each time, a few per instance or minute: none of them grows with the log.
const bounds: [string, number][] = [
  ['snapshot', 5 * instances + 500],
  ['page: newest', 1000],
  ['page: no such server', 10],
  ['page', 12_000],
  ['audit', 30_000 + instances],
  ['history', 10 * instances],
]

for (const { name, run } of explainCases(longLog, srvIdOf('a'))) {
  test(`${name}: what is read does not grow with the log`, async () => {
    const [, bound = 0] = bounds.find(([start]) => name.startsWith(start)) ?? []
    const read = await rowsRead(longLogDatabase.read, () => run(longLogDatabase.read))
    assert.ok(read <= bound, `${read} rows and index entries were read`)
  })
}
