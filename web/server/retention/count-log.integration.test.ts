import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RowDataPacket } from 'mysql2/promise'
import { eventually } from '../../../tools/lib/testing.ts'
import type { Audit } from '../../shared/api.ts'
import { rowsRead } from '../../testing/explain.ts'
import { day, openBoard, running, srvIdOf } from '../../testing/log-rows.ts'
import { sampleHit } from '../../testing/samples.ts'
import { databaseHitStore } from '../db/hit-store.ts'
import type { Pools } from '../db/pools.ts'
import { ifAlone } from '../db/query.ts'
import { countLog, RequestIdRetention, retainLog, startUpkeep } from './retention.ts'

type Board = Awaited<ReturnType<typeof openBoard>>

const count = (pools: Pools) => ifAlone(pools.upkeep, 'recount', connection => countLog(connection, running))

/** Logs `rows` hits of which the oldest `purged` are 31 days old, writes checkpoints, and purges what is older than 30 days. */
async function logAndPurge(board: Board, rows: number, purged: number): Promise<void> {
  await board.log(rows, 31 * day)
  await board.fill.query('UPDATE access_log SET created_at = UTC_TIMESTAMP(3) WHERE id > ?', [purged])
  await count(board.replicas[0])
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
  await count(board.replicas[0])
  assert.deepEqual(await checkpoints(board), [
    [5000, 5000],
    [10_000, 5000],
  ])
  await board.log(15_000)
  await count(board.replicas[1])
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
  await count(board.replicas[0])
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
  await count(board.replicas[0])
  await board.fill.query('CREATE TABLE lost AS SELECT * FROM access_log WHERE id = 7000')
  await board.fill.query('DELETE FROM access_log WHERE id = 7000')
  for (const _turn of ['finds it', 'still knows it']) {
    await count(board.replicas[1])
    const { rows, consistent } = await board.audit()
    assert.deepEqual([rows, consistent], [59_999, false])
  }
  await board.fill.query('INSERT INTO access_log SELECT * FROM lost')
  await count(board.replicas[1])
  assert.ok((await board.audit()).consistent)
})

test('every checkpoint is counted again', async () => {
  await using board = await openBoard()
  await board.log(150_000)
  await count(board.replicas[0])
  await board.fill.query('DELETE FROM access_log WHERE id IN (1, 49999, 123456)')
  // The lowest row is removed as retention does it: the lowest number says how many are gone.
  await board.fill.query("UPDATE log_checkpoint SET counted_at = '2026-01-01'")
  await count(board.replicas[0])
  await count(board.replicas[0])
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
  await count(board.replicas[0])
  const whole = await checkpoints(board)
  await board.fill.query(
    "DELETE FROM log_checkpoint WHERE last_id = 20000; INSERT INTO log_checkpoint VALUES (900000, 5000, '2026-01-01')",
  )
  assert.ok((await board.audit()).consistent)
  await count(board.replicas[0])
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
    whileRunning(() => count(board.replicas[0])),
    whileRunning(() => count(board.replicas[1])),
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
