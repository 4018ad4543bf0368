// Two topics, each with its own database: readings of the board, which begin with an empty one, and leases.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openPooledDatabase } from '../../testing/endpoints.ts'
import { recordedPool } from '../../testing/explain.ts'
import { sampleHit } from '../../testing/samples.ts'
import { srvIdOf } from '../identity.ts'
import { readBoard } from './board.ts'
import { databaseHitStore } from './hit-store.ts'
import { closePools, openPools } from './pools.ts'
import { ifAlone, inTransaction, queryOn } from './query.ts'
import { registerServer } from './servers.ts'

const boardDatabase = await openPooledDatabase()
const { pools } = boardDatabase
after(boardDatabase.close)

/** A server that counts hits in batches of the given size. */
async function startServer(address: string) {
  const server = { srvId: srvIdOf(address), address, name: null }
  const { id } = await registerServer(pools.write, server)
  const store = databaseHitStore(pools.write, { id, srv_id: server.srvId })
  return (n: number) =>
    store.commit(
      Array.from({ length: n }, () => sampleHit()),
      5000,
    )
}

const read = (after: number, limit = 50, pool = pools.read) =>
  readBoard(pool, 5000, { after, limit, showAddress: address => `shown ${address}` })

test('an empty database gives totals, but no servers and no rows', async () => {
  const { counter, totalHits, servers, log } = await read(0)
  assert.deepEqual([counter, totalHits, servers, log], [0, 0, [], []])
})

test('a reading is one query and returns the rows after a number, newest first', async () => {
  const { counter } = await read(0)
  await (await startServer('10.0.1.1:3000'))(5)
  let questions = 0
  const recorded = recordedPool(pools.read, () => questions++)
  const { log } = await read(counter + 1, 3, recorded)
  assert.equal(questions, 1)
  assert.deepEqual(
    log.map(({ id, client_ip }) => [id - counter, client_ip]),
    [
      [5, 'shown 10.0.0.7'],
      [4, 'shown 10.0.0.7'],
      [3, 'shown 10.0.0.7'],
    ],
  )
  assert.deepEqual((await read(counter + 5)).log, [])
})

test('servers are sorted by name, shorter names first', async () => {
  for (let server = 1; server <= 11; server++) await startServer(`10.0.2.${server}:3000`)
  const names = (await read(0)).servers.map(server => server.name)
  assert.deepEqual(
    names,
    Array.from({ length: names.length }, (_, index) => `web-${index + 1}`),
  )
  assert.ok(names.length > 10)
})

test('totals and rows are from one moment, while two servers count', async () => {
  const counting = await Promise.all(['10.0.3.1:3000', '10.0.3.2:3000'].map(startServer))
  let left = 60
  const work = counting.map(async count => {
    while (left-- > 0) await count(3)
  })
  while (left > 0) {
    const { counter, totalHits, log } = await read(0)
    assert.deepEqual([totalHits, log[0]?.id], [counter, counter])
  }
  await Promise.all(work)
})

const leaseDatabase = await openPooledDatabase()
const [here, there] = [leaseDatabase.pools, openPools(leaseDatabase.url)]
after(async () => {
  await closePools(there)
  await leaseDatabase.close()
})

/** What the holder would see after a long silence: its lease has ended. */
const endLeases = () => there.write.query('UPDATE lease SET until_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND')

const turn = (pools = there) => ifAlone(pools.upkeep, 'retention', async () => 'worked')

test('a replica that was frozen until its lease ended cannot write where another has taken over', async () => {
  const written = async () => {
    const [rows] = await there.read.query('SELECT through_id FROM log_purge')
    return rows
  }
  const frozen = ifAlone(here.upkeep, 'retention', async connection => {
    const write = (n: number) =>
      inTransaction(connection, () =>
        queryOn(connection, 'INSERT INTO log_purge VALUES (1, ?) ON DUPLICATE KEY UPDATE through_id = ?', [
          n,
          n,
        ]),
      )
    await write(1)
    assert.equal(await turn(), null)
    await endLeases()
    assert.deepEqual(await turn(), { result: 'worked' })
    await write(2)
  })
  await assert.rejects(frozen, /another has taken over \(retention\)/)
  assert.deepEqual(await written(), [{ through_id: 1 }])
})

test('a lease that ended while its owner was silent goes on if no other has taken it', async () => {
  const done = await ifAlone(here.upkeep, 'retention', async connection => {
    await endLeases()
    await inTransaction(connection, async () => {})
    assert.equal(await turn(), null)
    return 'worked'
  })
  assert.deepEqual(done, { result: 'worked' })
})

test('while the owner is in a transaction, another neither waits for it nor takes the lease', async () => {
  const inside = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const owner = ifAlone(here.upkeep, 'retention', connection =>
    inTransaction(connection, async () => {
      inside.resolve()
      await end.promise
    }),
  )
  await inside.promise
  assert.equal(await turn(), null)
  await endLeases().catch(() => {}) // waits for the owner's transaction
  assert.equal(await turn(), null)
  end.resolve()
  await owner
})

test('the lease of a replica that died ends by itself, and a waiting replica then has it', async () => {
  await there.write.query(
    `REPLACE INTO lease VALUES ('retention', ?, UTC_TIMESTAMP(3) + INTERVAL 1500000 MICROSECOND)`,
    ['d'.repeat(32)],
  )
  assert.equal(await turn(), null)
  assert.deepEqual(await ifAlone(here.upkeep, 'retention', async () => 'worked', { waitMs: 30_000 }), {
    result: 'worked',
  })
})

test('a lease with an end that only a wrong clock can have written does not exclude the others', async () => {
  await there.write.query("REPLACE INTO lease VALUES ('retention', ?, UTC_TIMESTAMP(3) + INTERVAL 31 DAY)", [
    'd'.repeat(32),
  ])
  assert.deepEqual(await turn(), { result: 'worked' })
})

test('a lease is given back when the work fails, and each kind of work has its own', async () => {
  const failing = ifAlone(here.upkeep, 'retention', async () => {
    assert.deepEqual(await ifAlone(there.upkeep, 'recount', async () => 1), { result: 1 })
    throw new Error('the work failed')
  })
  await assert.rejects(failing, /the work failed/)
  // Also within the millisecond in which it was given back.
  for (let n = 0; n < 100; n++) assert.deepEqual(await turn(), { result: 'worked' })
})

test('after work that ended, no replica works until the rest is over; after work that failed, another may', async () => {
  const rest = { restMs: 1000, read: there.read }
  const failing = ifAlone(
    here.upkeep,
    'retention',
    async () => {
      throw new Error('the work failed')
    },
    rest,
  )
  await assert.rejects(failing, /the work failed/)
  const done = ifAlone(here.upkeep, 'retention', async () => performance.now(), rest)
  const { result: workedAt } = (await done) ?? assert.fail()
  const next = ifAlone(there.upkeep, 'retention', async () => performance.now(), { waitMs: 30_000 })
  const { result: nextAt } = (await next) ?? assert.fail()
  assert.ok(nextAt - workedAt >= 990, `${nextAt - workedAt} ms later`)
})

test('many that want the lease at the same time have it one after the other', async () => {
  let working = 0
  const work = async () => {
    assert.equal(++working, 1)
    await new Promise(setImmediate)
    working--
  }
  const all = Array.from({ length: 12 }, (_, n) =>
    ifAlone((n % 2 ? here : there).upkeep, 'retention', work, { waitMs: 30_000 }),
  )
  for (const done of await Promise.all(all)) assert.notEqual(done, null)
})
