import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PoolConnection, RowDataPacket } from 'mysql2/promise'
import mysql from 'mysql2/promise'
import { eventually } from '../../../tools/lib/testing.ts'
import type { Audit } from '../../shared/api.ts'
import { rowsRead } from '../../testing/explain.ts'
import { addInstance, day, numbers, openBoard, running, srvIdOf } from '../../testing/log-rows.ts'
import { sampleHit } from '../../testing/samples.ts'
import { checkpointLength, recountCheckpoint, writeNextCheckpoint } from '../db/audit.ts'
import { databaseHitStore } from '../db/hit-store.ts'
import type { Pools, UpkeepPool } from '../db/pools.ts'
import { ifAlone, onConnection } from '../db/query.ts'
import { pruneRecentRequests, purgeLog } from '../db/retention.ts'
import { countLog, RequestIdRetention, retainHistory, retainLog, startUpkeep } from './retention.ts'

test('replicas side by side keep the log within its limits and its checkpoints written, until they stop', async () => {
  await using board = await openBoard()
  await board.log(7000, 31 * day)
  const limits = { days: 30, rows: 1_000_000 }
  const requestIds = new RequestIdRetention(async () => 0)
  const stops = board.replicas.map(pools => startUpkeep(pools, limits, requestIds, 20))
  try {
    await eventually(async () => (await board.audit()).purged === 7000)
    await board.log(16_000)
    await eventually(async () => (await countedStretches()) === '15000')
  } finally {
    for (const stop of stops) stop()
  }
  assert.deepEqual(await board.audit(), {
    counter: 16_000,
    max_id: 16_000,
    rows: 9000,
    purged: 7000,
    sum_hits: 16_000,
    consistent: true,
  })

  async function countedStretches(): Promise<string> {
    const [rows] = await board.fill.query<RowDataPacket[]>('SELECT last_id FROM log_checkpoint')
    return rows.map(row => row.last_id).join()
  }
})

const limits = { days: 30, rows: 1_000_000 }

/** One run of a replica. */
const retain = (pools: Pools, { days, rows } = limits) =>
  ifAlone(pools.upkeep, 'retention', connection => retainLog(connection, { days, rows }, new Date(), running))

test('rows that are too old are removed, and the counts still agree', async () => {
  await using board = await openBoard()
  await board.log(2500, 31 * day)
  await board.log(4000, 29 * day)
  await retain(board.replicas[0])
  assert.deepEqual(await board.audit(), {
    counter: 4000,
    max_id: 4000,
    rows: 1500,
    purged: 2500,
    sum_hits: 4000,
    consistent: true,
  })
})

test('rows beyond the maximum number of rows are removed', async () => {
  await using board = await openBoard()
  await board.log(4000, 120)
  await retain(board.replicas[0], { days: 30, rows: 700 })
  const { rows, purged, consistent } = await board.audit()
  assert.deepEqual({ rows, purged, consistent }, { rows: 700, purged: 3300, consistent: true })
})

test('the rows of the last minute stay, however many: a retried page view looks for its first try there', async () => {
  await using board = await openBoard()
  await board.log(1000, 120)
  await board.log(3000, 1)
  await retain(board.replicas[0], { days: 30, rows: 10 })
  assert.equal((await board.audit()).rows, 2000)
})

test('no row above a row that stays is removed', async () => {
  await using board = await openBoard()
  await board.log(3000, 31 * day)
  await board.fill.query('UPDATE access_log SET created_at = UTC_TIMESTAMP(3) WHERE id = 1700')
  await retain(board.replicas[0])
  const { rows, purged, consistent } = await board.audit()
  assert.deepEqual({ rows, purged, consistent }, { rows: 1301, purged: 1699, consistent: true })
})

test('a log whose rows were all removed still says how many, and one that was emptied otherwise is not consistent', async () => {
  await using board = await openBoard()
  await board.log(2500, 31 * day)
  await retain(board.replicas[0])
  const emptied = { counter: 2500, max_id: 0, rows: 0, purged: 2500, sum_hits: 2500, consistent: true }
  assert.deepEqual(await board.audit(), emptied)
  await board.log(2600)
  assert.deepEqual(await board.audit(), {
    counter: 2600,
    max_id: 2600,
    rows: 100,
    purged: 2500,
    sum_hits: 2600,
    consistent: true,
  })
  await board.fill.query('DELETE FROM access_log')
  assert.equal((await board.audit()).consistent, false)
})

test('history and request ids are not changed', async () => {
  await using board = await openBoard()
  await board.log(2000, 31 * day)
  await board.fill.query(
    "INSERT INTO server_minute VALUES ('2026-01-01 00:00:00', 1, 2000); INSERT INTO recent_request VALUES (REPEAT('a', 32), 1)",
  )
  await retain(board.replicas[0])
  const [[left]] = await board.fill.query<RowDataPacket[]>(
    'SELECT (SELECT SUM(hits) FROM server_minute) AS history, (SELECT COUNT(*) FROM recent_request) AS ids',
  )
  assert.deepEqual({ history: Number(left?.history), ids: left?.ids }, { history: 2000, ids: 1 })
})

test('of two replicas one works, the other has nothing to do', async () => {
  await using board = await openBoard()
  const turns: string[] = []
  const finish = Promise.withResolvers<void>()
  const first = ifAlone(board.replicas[0].upkeep, 'retention', async () => {
    turns.push('first')
    await finish.promise
  })
  await eventually(() => turns.length === 1)
  await ifAlone(board.replicas[1].upkeep, 'retention', async () => void turns.push('second'))
  await ifAlone(board.replicas[1].upkeep, 'recount', async () => void turns.push('second counts'))
  finish.resolve()
  await first
  await ifAlone(board.replicas[1].upkeep, 'retention', async () => void turns.push('second, later'))
  assert.deepEqual(turns, ['first', 'second counts', 'second, later'])
})

test('a replica that is killed in between leaves a consistent log, and another continues', async () => {
  await using board = await openBoard()
  await board.log(20_000, 31 * day)
  const killed = assert.rejects(
    ifAlone(board.replicas[0].upkeep, 'retention', async connection => {
      const work = retainLog(connection, limits, new Date(), running)
      await Promise.all([work, killWhenBegun(connection.threadId ?? assert.fail())])
    }),
    /closed|Killed|lost/i,
  )
  async function killWhenBegun(threadId: number) {
    await eventually(async () => (await board.audit()).purged > 0)
    await board.fill.query('KILL ?', [threadId])
  }
  await killed
  const { purged, consistent } = await board.audit()
  assert.ok(consistent)
  assert.ok(purged > 0 && purged < 20_000, `${purged} of 20,000 went before the end`)
  await eventually(async () => {
    await retain(board.replicas[1])
    return (await board.audit()).purged === 20_000
  })
  assert.ok((await board.audit()).consistent)
})

test('when stopped, a run ends after the current batch', async () => {
  await using board = await openBoard()
  await board.log(20_000, 31 * day)
  const stop = new AbortController()
  const turn = ifAlone(board.replicas[0].upkeep, 'retention', connection =>
    retainLog(connection, limits, new Date(), stop.signal),
  )
  await eventually(async () => (await board.audit()).purged > 0)
  stop.abort()
  await turn
  const { purged, consistent } = await board.audit()
  assert.ok(consistent && purged % 500 === 0 && purged < 20_000, `${purged} went`)
})

test('neither the counter nor a new row waits for a removal in progress', async () => {
  await using board = await openBoard()
  await board.log(3000, 31 * day)
  const holder = await board.replicas[0].upkeep.getConnection()
  await holder.query('START TRANSACTION; DELETE FROM access_log WHERE id BETWEEN 1 AND 3000')
  const writes = await Promise.allSettled([
    board.fill.query('UPDATE global_counter SET value = value + 1'),
    board.fill.query(
      "INSERT INTO access_log VALUES (3001, UTC_TIMESTAMP(3), '10.0.0.7', REPEAT('a', 32), 1, NULL, REPEAT('b', 32))",
    ),
  ])
  await holder.query('ROLLBACK')
  holder.release()
  // The write pool waits one second for a lock, and then fails.
  assert.deepEqual(
    writes.map(write => write.status),
    ['fulfilled', 'fulfilled'],
  )
})

const tables = ['access_log', 'recent_request', 'log_checkpoint', 'log_purge']
const exchange = tables.flatMap(name => [`${name} TO old_${name}`, `new_${name} TO ${name}`]).join(', ')

/** The pool, but `between` runs before each statement after the first read. */
function interrupted(pool: UpkeepPool, between: () => Promise<void>): UpkeepPool {
  return Object.create(pool, {
    getConnection: {
      value: async () => {
        const connection = await pool.getConnection()
        let looked = false
        return Object.create(connection, {
          query: {
            value: async (options: { sql: string }) => {
              if (looked && options.sql !== 'COMMIT') await between()
              looked ||= options.sql.includes('SELECT')
              return connection.query(options)
            },
          },
        })
      },
    },
  })
}

const purge = (pool: UpkeepPool) =>
  onConnection(pool, connection => purgeLog(connection, { days: 30, rows: 1e9 }, 500, new Date()))
const count = (work: (connection: PoolConnection) => Promise<unknown>) => (pool: UpkeepPool) =>
  onConnection(pool, work)

for (const [what, work] of [
  ['old rows are removed', purge],
  ['a checkpoint is written', count(writeNextCheckpoint)],
  ['a checkpoint is counted again', count(connection => recountCheckpoint(connection, checkpointLength))],
  ['request ids are pruned', (pool: UpkeepPool) => pruneRecentRequests(pool, 100, 2000)],
] as const)
  test(`no restore swaps the tables between the read and the write while ${what}`, async () => {
    await using board = await openBoard()
    await board.log(checkpointLength + 100, 40 * day)
    await board.fill.query(
      'INSERT INTO recent_request (request_id, id) SELECT request_id, id FROM access_log WHERE id <= 100',
    )
    for (const name of tables) await board.fill.query(`CREATE TABLE new_${name} LIKE ${name}`)
    const restoring = await mysql.createConnection(board.url)
    await using _ = { [Symbol.asyncDispose]: () => restoring.end() }
    await restoring.query('SET SESSION lock_wait_timeout = 1')
    let tried = 0
    await work(
      interrupted(board.replicas[0].upkeep, async () => {
        tried++
        await assert.rejects(restoring.query(`RENAME TABLE ${exchange}`), { code: 'ER_LOCK_WAIT_TIMEOUT' })
      }),
    )
    assert.ok(tried > 0)
    await restoring.query(`RENAME TABLE ${exchange}`)
  })

/** Hits in the history's buckets of three hours, one row for each bucket and server. */
async function fillHistory(board: Board, servers: number): Promise<number> {
  for (let id = 1; id <= servers; id++)
    await addInstance(board.fill, { id, srvId: srvIdOf(String(id)), name: `web-${id}` })
  const now = Math.floor(Date.now() / 5000)
  const rows = numbers(now - 2160, now).flatMap(bucket =>
    numbers(1, servers).map(id => [new Date(bucket * 5000), id, 1 + (bucket % 7)]),
  )
  await board.fill.query('INSERT INTO server_bucket (start, server_id, hits) VALUES ?', [rows])
  return historySum(board)
}

type Board = Awaited<ReturnType<typeof openBoard>>

/** The hits of the whole history, read in one statement. */
async function historySum(board: Board): Promise<number> {
  const [[sum]] = await board.fill.query<RowDataPacket[]>(
    `SELECT (SELECT COALESCE(SUM(hits), 0) FROM server_bucket) + (SELECT COALESCE(SUM(hits), 0) FROM server_minute) AS hits`,
  )
  return Number(sum?.hits)
}

async function oldBuckets(board: Board): Promise<number> {
  const [[row]] = await board.fill.query<RowDataPacket[]>(
    'SELECT COUNT(*) AS n FROM server_bucket WHERE start < UTC_TIMESTAMP() - INTERVAL 62 MINUTE',
  )
  return row?.n
}

const shorten = (replica: Board['replicas'][number]) =>
  onConnection(replica.upkeep, connection => retainHistory(connection, new Date(), running))

test('two replicas that shorten the history at the same time, while hits come in, lose none and count none twice', async () => {
  await using board = await openBoard()
  const before = await fillHistory(board, 3)
  const store = databaseHitStore(board.replicas[0].write, { id: 1, srv_id: srvIdOf('1') })
  let counted = 0
  let isShortening = true
  const counting = (async () => {
    while (isShortening) {
      await store.commit([sampleHit(), sampleHit()], 5000)
      counted += 2
    }
  })()
  // Without the lock, which keeps them apart. A row that the other is moving is waited for: a run may have to be repeated.
  const untilDone = async (replica: Board['replicas'][number]) => {
    await eventually(() =>
      shorten(replica).then(
        () => true,
        () => false,
      ),
    )
  }
  await Promise.all(board.replicas.map(untilDone))
  isShortening = false
  await counting
  assert.equal(await historySum(board), before + counted)
  assert.equal(await oldBuckets(board), 0)
})

test('a replica that is killed while it shortens the history loses no hit, and another continues', async () => {
  await using board = await openBoard()
  const before = await fillHistory(board, 3)
  const old = await oldBuckets(board)
  const killed = assert.rejects(
    onConnection(board.replicas[0].upkeep, async connection => {
      await Promise.all([
        retainHistory(connection, new Date(), running),
        eventually(async () => (await oldBuckets(board)) < old).then(() =>
          board.fill.query('KILL ?', [connection.threadId]),
        ),
      ])
    }),
  )
  await killed
  assert.equal(await historySum(board), before)
  assert.ok((await oldBuckets(board)) > 0)
  await shorten(board.replicas[1])
  assert.equal(await historySum(board), before)
  assert.equal(await oldBuckets(board), 0)
})

test('hits of a clock that was behind by hours are added to minutes that were moved before', async () => {
  await using board = await openBoard()
  const before = await fillHistory(board, 1)
  await shorten(board.replicas[0])
  await board.fill.query(
    'INSERT INTO server_bucket SELECT minute + INTERVAL 5 SECOND, server_id, 3 FROM server_minute ORDER BY minute LIMIT 9',
  )
  await shorten(board.replicas[0])
  assert.equal(await historySum(board), before + 27)
  assert.equal(await oldBuckets(board), 0)
})

test('events are removed after two days', async () => {
  await using board = await openBoard()
  await board.fill.query(
    `INSERT INTO server_event SELECT UTC_TIMESTAMP(3) - INTERVAL n HOUR, 1, 'lost', NULL, NULL
     FROM (WITH RECURSIVE hours AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM hours WHERE n < 900) SELECT n FROM hours) h`,
  )
  await shorten(board.replicas[0])
  const [rows] = await board.fill.query<RowDataPacket[]>('SELECT at FROM server_event')
  assert.equal(rows.length, 48)
})

/** Writes checkpoints and counts old ones again, as one replica does in its turn. */
const recount = (pools: Pools) =>
  ifAlone(pools.upkeep, 'recount', connection => countLog(connection, running))

/** Logs `rows` hits of which the oldest `purged` are 31 days old, writes checkpoints, and purges what is older than 30 days. */
async function logAndPurge(board: Board, rows: number, purged: number): Promise<void> {
  await board.log(rows, 31 * day)
  await board.fill.query('UPDATE access_log SET created_at = UTC_TIMESTAMP(3) WHERE id > ?', [purged])
  await recount(board.replicas[0])
  await ifAlone(board.replicas[0].upkeep, 'retention', connection =>
    retainLog(connection, { days: 30, rows: 1_000_000 }, new Date(), running),
  )
}

async function checkpoints(board: Board): Promise<[number, number][]> {
  const [rows] = await board.fill.query<RowDataPacket[]>(
    'SELECT last_id, found FROM log_checkpoint ORDER BY last_id',
  )
  return rows.map(row => [row.last_id, row.found])
}

test('every 5,000 numbers get a checkpoint, the newest rows none', async () => {
  await using board = await openBoard()
  await board.log(12_345)
  await recount(board.replicas[0])
  assert.deepEqual(await checkpoints(board), [
    [5000, 5000],
    [10_000, 5000],
  ])
  await board.log(15_000)
  await recount(board.replicas[1])
  assert.equal((await checkpoints(board)).length, 3)
  assert.ok((await board.audit()).consistent)
})

test('an audit reads checkpoints, the newest rows and the rows below the lowest checkpoint, not the log', async () => {
  await using board = await openBoard()
  await logAndPurge(board, 150_000, 2500)
  const audit = await board.audit()
  assert.deepEqual([audit.rows, audit.purged, audit.consistent], [147_500, 2500, true])
  const read = await rowsRead(board.replicas[0].read, board.audit)
  assert.ok(read < 30_000, `${read} rows were read`)
})

test('a lost row among the newest is noticed immediately', async () => {
  await using board = await openBoard()
  await board.log(30_000)
  await recount(board.replicas[0])
  await board.fill.query('DELETE FROM access_log WHERE id = 15000')
  const { rows, consistent } = await board.audit()
  assert.deepEqual([rows, consistent], [29_999, false])
})

test('a replica audits soon after its start, reports what it found, and reads the time of the oldest row', async () => {
  await using board = await openBoard()
  await board.log(300)
  await board.fill.query('DELETE FROM access_log WHERE id = 150')
  const audits: Audit[] = []
  const oldestRows: Date[] = []
  const stop = startUpkeep(
    board.replicas[0],
    { days: 30, rows: 1_000_000 },
    new RequestIdRetention(async () => 0),
    20,
    { onAudit: audit => audits.push(audit), onClock: (_, oldestRowAt) => oldestRows.push(oldestRowAt) },
  )
  try {
    await eventually(() => audits.length > 0 && oldestRows.length > 3, { ms: 30_000 })
  } finally {
    stop()
  }
  const [{ counter, rows, consistent } = assert.fail(), ...more] = audits
  assert.deepEqual([counter, rows, consistent, more.length], [300, 299, false, 0])
  const [[oldest] = []] = await board.fill.query<RowDataPacket[]>(
    'SELECT created_at FROM access_log ORDER BY id LIMIT 1',
  )
  assert.equal(oldestRows[0]?.getTime(), new Date(oldest?.created_at).getTime())
})

test('a lost row further down is noticed once its checkpoint is counted again, and from then on until it is back', async () => {
  await using board = await openBoard()
  await board.log(60_000)
  await recount(board.replicas[0])
  await board.fill.query('CREATE TABLE lost AS SELECT * FROM access_log WHERE id = 7000')
  await board.fill.query('DELETE FROM access_log WHERE id = 7000')
  for (const _turn of ['finds it', 'still knows it']) {
    await recount(board.replicas[1])
    const { rows, consistent } = await board.audit()
    assert.deepEqual([rows, consistent], [59_999, false])
  }
  await board.fill.query('INSERT INTO access_log SELECT * FROM lost')
  await recount(board.replicas[1])
  assert.ok((await board.audit()).consistent)
})

test('every checkpoint is counted again', async () => {
  await using board = await openBoard()
  await board.log(150_000)
  await recount(board.replicas[0])
  await board.fill.query('DELETE FROM access_log WHERE id IN (1, 49999, 123456)')
  // The lowest row is removed as retention does it: the lowest number says how many are gone.
  await board.fill.query("UPDATE log_checkpoint SET counted_at = '2026-01-01'")
  await recount(board.replicas[0])
  await recount(board.replicas[0])
  const { rows, purged, consistent } = await board.audit()
  assert.deepEqual([rows, purged, consistent], [149_997, 1, false])
})

test('a row below the lowest, a counter and a sum that are off by one are noticed immediately', async () => {
  await using board = await openBoard()
  await logAndPurge(board, 60_000, 12_500)
  assert.ok((await board.audit()).consistent)
  for (const [damage, repair] of [
    [
      "INSERT INTO access_log VALUES (5001, UTC_TIMESTAMP(3), '10.0.0.7', REPEAT('a', 32), 1, NULL, REPEAT('b', 32))",
      'DELETE FROM access_log WHERE id = 5001',
    ],
    ['UPDATE global_counter SET value = value + 1', 'UPDATE global_counter SET value = value - 1'],
    ['UPDATE server SET hits = hits - 1', 'UPDATE server SET hits = hits + 1'],
  ] as const) {
    await board.fill.query(damage)
    assert.equal((await board.audit()).consistent, false, damage)
    await board.fill.query(repair)
    assert.equal((await board.audit()).consistent, true, repair)
  }
})

test('checkpoints that were deleted or left over are not used, and are written again', async () => {
  await using board = await openBoard()
  await board.log(60_000)
  await recount(board.replicas[0])
  const whole = await checkpoints(board)
  await board.fill.query(
    "DELETE FROM log_checkpoint WHERE last_id = 20000; INSERT INTO log_checkpoint VALUES (900000, 5000, '2026-01-01')",
  )
  assert.ok((await board.audit()).consistent)
  await recount(board.replicas[0])
  assert.deepEqual(await checkpoints(board), whole)
})

test('while hits come in, old rows are removed and checkpoints are counted, every audit is of one moment', async () => {
  await using board = await openBoard()
  await board.log(60_000, 31 * day)
  const store = databaseHitStore(board.replicas[0].write, { id: 1, srv_id: srvIdOf('a') })
  const stop = new AbortController()
  const whileRunning = async (work: () => Promise<unknown>) => {
    while (!stop.signal.aborted) await work()
  }
  const working = [
    whileRunning(() => store.commit(hits(100), 5000)),
    whileRunning(() => recount(board.replicas[0])),
    whileRunning(() => recount(board.replicas[1])),
    whileRunning(() =>
      ifAlone(board.replicas[1].upkeep, 'retention', connection =>
        retainLog(connection, { days: 30, rows: 1_000_000 }, new Date(), stop.signal),
      ),
    ),
  ]
  try {
    await eventually(async () => {
      const audit = await board.audit()
      assert.ok(audit.consistent, JSON.stringify(audit))
      return audit.purged === 60_000 && audit.counter > 65_000
    })
  } finally {
    stop.abort()
    await Promise.all(working)
  }
  assert.ok((await board.audit()).consistent)
})

function hits(n: number) {
  return Array.from({ length: n }, () => sampleHit())
}
