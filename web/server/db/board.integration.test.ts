import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openPooledDatabase } from '../../testing/endpoints.ts'
import { recordedPool } from '../../testing/explain.ts'
import { sampleHit } from '../../testing/samples.ts'
import { srvIdOf } from '../identity.ts'
import { readBoard } from './board.ts'
import { databaseHitStore } from './hit-store.ts'
import { registerServer } from './servers.ts'

const database = await openPooledDatabase()
const { pools } = database
after(database.close)

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
