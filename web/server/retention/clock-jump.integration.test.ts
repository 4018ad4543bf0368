import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { RunningDatabase } from '../../../tools/launcher/database-server/launch.ts'
import { startThrowAwayDatabase } from '../../../tools/launcher/testing/with-database.ts'
import { makeFakedClock } from '../../../tools/lib/processes.ts'
import { eventually, temporaryFolder } from '../../../tools/lib/testing.ts'
import { day, openBoard, srvIdOf } from '../../testing/log-rows.ts'
import { sampleHit } from '../../testing/samples.ts'
import { readClock } from '../db/history.ts'
import { databaseHitStore } from '../db/hit-store.ts'
import type { Pools } from '../db/pools.ts'
import { pruneRecentRequests } from '../db/retention.ts'
import { RequestIdRetention, startUpkeep } from './retention.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let database: RunningDatabase
let clock: NonNullable<ReturnType<typeof makeFakedClock>>

before(async () => {
  folder = await temporaryFolder()
  clock = makeFakedClock(join(folder.path, 'clock')) ?? assert.fail('libfaketime is not installed')
  database = await startThrowAwayDatabase({ environment: clock.variables })
  process.env.TEST_DATABASE_URL = database.url
})

after(async () => {
  await database?.stop()
  await folder?.[Symbol.asyncDispose]()
})

const limits = { days: 30, rows: 1_000_000 }

/** Retention of a replica that has just started, with a run every 20 ms. */
function startRetention(pools: Pools, requestIds = new RequestIdRetention(async () => 0)) {
  const seen = { turns: 0, doubted: false, purged: 0 }
  const events = {
    onPurged: (rows: number) => {
      seen.purged += rows
    },
    onClock: (doubted: boolean) => {
      seen.turns += 1
      seen.doubted = doubted
    },
  }
  const stop = startUpkeep(pools, limits, requestIds, 20, events)
  const turns = async (n: number) => {
    const enough = seen.turns + n
    await eventually(() => seen.turns >= enough)
  }
  return { seen, turns, [Symbol.dispose]: stop }
}

async function jumpTo(pools: Pools, days: number): Promise<void> {
  clock.jumpTo(days * day)
  await eventually(async () => {
    const ahead = (await readClock(pools.read)).getTime() - Date.now()
    return Math.abs(ahead - days * day * 1000) < 60_000
  })
}

for (const days of [31, 1, -31]) {
  test(`a database whose clock jumps by ${days} days loses no row, and retention goes on when it is back`, async () => {
    await using board = await openBoard()
    const [first, second] = board.replicas
    await board.log(1000, 29.5 * day)
    await board.log(3000, 120)
    using before = startRetention(first)
    await before.turns(5)
    await jumpTo(first, days)
    await before.turns(5)
    // A replica that restarts meanwhile has never seen the right time.
    using meanwhile = startRetention(second)
    await meanwhile.turns(5)
    assert.deepEqual([before.seen.doubted, meanwhile.seen.doubted], [true, true])
    assert.deepEqual([(await board.audit()).purged, before.seen.purged, meanwhile.seen.purged], [0, 0, 0])
    await jumpTo(first, 0)
    await eventually(() => !before.seen.doubted)
    await board.fill.query('UPDATE access_log SET created_at = created_at - INTERVAL 1 DAY WHERE id <= 1000')
    await eventually(async () => (await board.audit()).purged === 1000)
    assert.ok((await board.audit()).consistent)
  })
}

test('request ids that are minutes old stay through a jump of the clock', async () => {
  await using board = await openBoard()
  const [{ write }] = board.replicas
  await board.log(1)
  const store = databaseHitStore(write, { id: 1, srv_id: srvIdOf('a') })
  const hits = Array.from({ length: 50 }, () => sampleHit())
  const counts = await store.commit(hits, 5000)
  let steady = 0
  const requestIds = new RequestIdRetention(
    (lastId, limit) => pruneRecentRequests(write, lastId, limit),
    () => steady,
  )
  const running = new AbortController().signal
  requestIds.noteNumber(counts.at(-1)?.id ?? assert.fail())
  await requestIds.run(running)
  await jumpTo(board.replicas[0], 31)
  steady = 9 * 60_000
  await requestIds.run(running)
  const found = await store.find(
    hits.map(hit => hit.requestId),
    5000,
  )
  await jumpTo(board.replicas[0], 0)
  assert.equal(found.size, 50)
})
