import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RowDataPacket } from 'mysql2/promise'
import { until } from '../../testing/endpoints.ts'
import { day, openBoard } from '../../testing/retention-fixture.ts'
import { RequestIdRetention } from './request-id-retention.ts'
import { startUpkeep } from './upkeep.ts'

test('replicas side by side keep the log within its limits and its stretches counted, until they stop', async () => {
  await using board = await openBoard()
  await board.log(7000, 31 * day)
  const limits = { days: 30, rows: 1_000_000 }
  const requestIds = new RequestIdRetention(async () => 0)
  const stops = board.replicas.map(pools => startUpkeep(pools, limits, requestIds, 20))
  try {
    await until(async () => (await board.audit()).purged === 7000)
    await board.log(16_000)
    await until(async () => (await countedStretches()) === '15000')
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
