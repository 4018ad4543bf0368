import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { startDatabaseProxy } from '../../../tools/lib/database-proxy.ts'
import { openPooledDatabase } from '../../testing/endpoints.ts'
import { rowsRead } from '../../testing/explain.ts'
import { sampleHealth, sampleHit } from '../../testing/samples.ts'
import { toSnapshot } from '../feed/board.ts'
import { srvIdOf } from '../identity.ts'
import { findConflicts } from '../lifecycle/own-row.ts'
import { readBoard } from './board.ts'
import { databaseHitStore } from './hit-store.ts'
import { highestNumber, noOwnRow } from './page-view-numbers.ts'
import { closePools, connectionsPerReplica, openPools, openWritePool, type WritePool } from './pools.ts'
import { pruneRecentRequests } from './retention.ts'
import { type Health, writeHeartbeat } from './server-state.ts'
import {
  checkLimits,
  connectionWarning,
  endServer,
  registerServer,
  renameServer,
  replicasThatFit,
} from './servers.ts'

const database = await openPooledDatabase()
const { pools } = database
after(database.close)

/** for the tests of its limits, which count its servers */
const { pools: limitsPools, close: closeLimits } = await openPooledDatabase()
after(closeLimits)

beforeEach(async () => {
  await pools.write.query(
    'DELETE FROM server; UPDATE global_counter SET value = 0; DELETE FROM access_log; DELETE FROM recent_request',
  )
})

const health = sampleHealth({
  rate: 1.5,
  p99Ms: 12.25,
  errors: 4,
  errorCodes: { overloaded: 3, outcome_unknown: 1 },
  streams: 7,
  memoryBytes: 123_456_789,
})

function register(address: string, name: string | null = null) {
  return registerServer(pools.write, { srvId: srvIdOf(address), address, name })
}

/** Servers with the same address or name, by what the board shows. */
async function conflictsOf(server: { id: number; name: string; srv_id: string }) {
  const { servers } = toSnapshot(await readBoard(pools.read, 1000), [])
  return findConflicts(servers, server).map(({ id }) => id)
}

async function count(server: { id: number }, address: string, n: number) {
  const hits = Array.from({ length: n }, () => sampleHit())
  return databaseHitStore(pools.write, { id: server.id, srv_id: srvIdOf(address) }).commit(hits, 1000)
}

/** A batch of one hit for each of these cookies. */
function commit(server: { id: number }, address: string, cookies: (string | null)[]) {
  const hits = cookies.map(cookieSrvId => sampleHit({ cookieSrvId }))
  return databaseHitStore(pools.write, { id: server.id, srv_id: srvIdOf(address) }).commit(hits, 1000)
}

/** The servers and sums of a snapshot. */
async function shown() {
  const { counter, servers, earlier_hits } = toSnapshot(await readBoard(pools.read, 1000), [])
  return { counter, servers, earlier_hits }
}

test('replicas that start together take the lowest names, each its own', async () => {
  const addresses = Array.from({ length: 6 }, (_, index) => `10.0.0.${index + 1}:3000`)
  const servers = await Promise.all(addresses.map(address => register(address)))
  assert.deepEqual(servers.map(server => server.name).toSorted(), [
    'web-1',
    'web-2',
    'web-3',
    'web-4',
    'web-5',
    'web-6',
  ])
})

test('a database that falls silent while a replica registers or is renamed makes that fail in time', async () => {
  await using proxy = await startDatabaseProxy(database.url)
  const { id } = await register('10.0.0.1:3000')
  const begin = (pool: WritePool) =>
    registerServer(pool, { srvId: srvIdOf('10.0.0.2:3000'), address: '10.0.0.2:3000', name: null })
  for (const [part, work] of [
    ['SET stopped_at = UTC_TIMESTAMP', begin],
    ['SELECT name FROM server', begin],
    ['INSERT INTO server', begin],
    ['UPDATE server SET name', (pool: WritePool) => renameServer(pool, id)],
  ] as const) {
    const behind = openPools(proxy.url)
    try {
      proxy.trap(part, { kind: 'pass' }, () => proxy.silence())
      await assert.rejects(work(behind.write), /inactivity timeout/, part)
    } finally {
      await proxy.restore()
      await closePools(behind)
    }
  }
})

test('a name is free again once its server has stopped or was not seen for six seconds', async () => {
  const [first, second] = [await register('10.0.0.1:3000'), await register('10.0.0.2:3000')]
  await endServer(pools.write, first.id)
  assert.equal((await register('10.0.0.3:3000')).name, 'web-1')
  await pools.write.query('UPDATE server SET last_seen_at = last_seen_at - INTERVAL 7 SECOND WHERE id = ?', [
    second.id,
  ])
  assert.equal((await register('10.0.0.4:3000')).name, 'web-2')
})

test('a server that restarts at its address is another instance, and goes on from the totals of the earlier ones', async () => {
  const address = '10.0.0.1:3000'
  const first = await register(address)
  await count(first, address, 3)
  const second = await register(address)
  assert.equal(second.name, first.name)
  await commit(second, address, [null, srvIdOf(address), srvIdOf('10.0.0.2:3000')])
  await endServer(pools.write, second.id)
  const third = await register(address)
  await commit(third, address, [srvIdOf(address)])
  const { servers, ...sums } = await shown()
  assert.deepEqual(sums, { counter: 7, earlier_hits: 0 })
  const [{ id, hits, new_hits, returning_hits, moved_hits, commits, restart } = assert.fail(), ...more] =
    servers
  assert.deepEqual(
    [id, hits, new_hits, returning_hits, moved_hits, commits, restart, more.length],
    [third.id, 7, 4, 2, 1, 3, 'stopped', 0],
  )
  assert.equal(servers[0]?.restarted_at, servers[0]?.started_at)
})

test('hits of another address, of another name and of long ago: only those of the same server are carried', async () => {
  const [address, other] = ['10.0.0.1:3000', '10.0.0.2:3000']
  const restartOf = async (name: string) => {
    const { id } = await register(address, name)
    const row = (await shown()).servers.find(server => server.id === id)
    return [row?.hits, row?.restart]
  }
  await count(await register(other, 'blue'), other, 1)
  await count(await register(address, 'blue'), address, 2)
  assert.deepEqual(await restartOf('red'), [0, null])
  assert.deepEqual(await restartOf('blue'), [2, 'killed'])
  await pools.write.query(
    'UPDATE server SET started_at = started_at - INTERVAL 1 DAY, last_seen_at = last_seen_at - INTERVAL 1 DAY',
  )
  assert.deepEqual(await restartOf('blue'), [2, null])
  // Further back than a start looks: the hits stay in the sum.
  for (let start = 0; start < 10; start++) await register(address, 'red')
  assert.deepEqual(await restartOf('blue'), [0, null])
  const { counter, earlier_hits } = await shown()
  assert.deepEqual([counter, earlier_hits], [3, 3])
})

test('how an instance ended is in its row, until it turns out to be alive', async () => {
  const address = '10.0.0.1:3000'
  const srv_id = srvIdOf(address)
  const first = await register(address)
  const second = await register(address)
  const endings = async () => (await pools.write.query('SELECT ended FROM server ORDER BY id'))[0]
  assert.deepEqual(await endings(), [{ ended: 'killed' }, { ended: null }])
  await writeHeartbeat(pools.write, { id: first.id, srv_id }, health, 1000)
  await endServer(pools.write, second.id)
  assert.deepEqual(await endings(), [{ ended: null }, { ended: 'stopped' }])
})

test('whatever starts, counts, ends and wakes at one address, the rows and the earlier hits add up to the counter', async () => {
  const address = '10.0.0.1:3000'
  const srv_id = srvIdOf(address)
  const started: { id: number }[] = []
  // A fixed sequence of pseudo-random numbers.
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return Math.floor((seed / 2 ** 31) * below)
  }
  const anyStarted = () => started[random(started.length)] ?? assert.fail()
  const steps = [
    async () => void started.push(await register(address, random(2) ? 'blue' : 'red')),
    () => count(anyStarted(), address, 1 + random(5)),
    () => endServer(pools.write, anyStarted().id),
    () => writeHeartbeat(pools.write, { ...anyStarted(), srv_id }, health, 1000),
    () =>
      pools.write.query('UPDATE server SET last_seen_at = last_seen_at - INTERVAL 61 SECOND WHERE id = ?', [
        anyStarted().id,
      ]),
  ]
  await steps[0]?.()
  for (let step = 0; step < 150; step++) {
    await steps[random(steps.length)]?.()
    const { counter, earlier_hits, servers } = await shown()
    const hits = servers.reduce((sum, server) => sum + server.hits, 0)
    assert.equal(hits + earlier_hits, counter)
    assert.ok(earlier_hits >= 0, `${earlier_hits} earlier hits after ${step} steps`)
    for (const { new_hits, returning_hits, moved_hits, ...row } of servers)
      assert.equal(new_hits + returning_hits + moved_hits, row.hits)
  }
})

test('a server knows which server had its address before, as long as cookies of that server may come', async () => {
  const address = '10.0.0.1:3000'
  const registerAs = (name: string) =>
    registerServer(pools.write, { srvId: srvIdOf(address), address, name }, 300)
  const first = await registerAs('blue')
  assert.equal(first.earlier, null)
  assert.equal((await registerAs('red')).earlier, null, 'blue answered nobody, so it gave no cookie')
  await count(first, address, 1)
  await pools.write.query('UPDATE server SET last_seen_at = last_seen_at - INTERVAL 100 SECOND')
  const next = await registerAs('green')
  assert.equal(next.earlier?.name, 'blue')
  assert.ok(Math.abs((next.earlier?.forMs ?? 0) - 200_000) < 10_000, `${next.earlier?.forMs} ms`)

  const visit = async (cookieSrvId: string | null) => {
    const hit = sampleHit({ cookieSrvId })
    await databaseHitStore(pools.write, { id: next.id, srv_id: srvIdOf(address) }).commit([hit], 1000)
  }
  for (const cookie of [null, srvIdOf(address), srvIdOf('10.0.0.2:3000')]) await visit(cookie)
  await pools.write.query('UPDATE server SET earlier_until = UTC_TIMESTAMP(3) WHERE id = ?', [next.id])
  await visit(srvIdOf(address))
  const tail = { after: 1, limit: 9, showAddress: (shown: string) => shown }
  const { log } = await readBoard(pools.read, 1000, tail)
  assert.deepEqual(
    log.map(({ arrival, maybe_from }) => [arrival, maybe_from?.name]),
    [
      ['returning', undefined],
      ['moved', undefined],
      ['returning', 'blue'],
      ['new', undefined],
    ],
  )
  await pools.write.query('UPDATE server SET last_seen_at = last_seen_at - INTERVAL 301 SECOND')
  assert.equal((await registerAs('black')).earlier, null)
})

test('two live servers at one address are both shown and both count; one that has ended is not shown', async () => {
  const address = '10.0.0.1:3000'
  const srv_id = srvIdOf(address)
  const beat = (id: number) => writeHeartbeat(pools.write, { id, srv_id }, health, 1000)
  const rows = async () => (await readBoard(pools.read, 1000)).servers.map(({ id, stopped }) => [id, stopped])
  const first = await register(address)
  await beat(first.id)
  const second = await register(address)
  await beat(second.id)
  assert.deepEqual(await rows(), [[second.id, false]])
  await beat(first.id)
  assert.deepEqual(await rows(), [
    [first.id, false],
    [second.id, false],
  ])
  assert.deepEqual(await conflictsOf({ ...second, srv_id }), [first.id])
  await count(first, address, 3)
  await count(second, address, 2)
  const board = await readBoard(pools.read, 1000)
  assert.deepEqual(
    board.servers.map(server => server.own.hits),
    [3, 2],
  )
  assert.deepEqual([board.counter, board.totalHits], [5, 5])
  assert.equal(await renameServer(pools.write, second.id), 'web-2')
  await endServer(pools.write, second.id)
  assert.deepEqual(await conflictsOf({ ...first, srv_id }), [])
})

test('of two servers with one name, because the first was silent when the second took it, the second takes another', async () => {
  const first = await register('10.0.0.1:3000')
  await pools.write.query('UPDATE server SET last_seen_at = last_seen_at - INTERVAL 7 SECOND')
  const second = await register('10.0.0.2:3000')
  assert.equal(second.name, first.name)
  const srv_id = srvIdOf('10.0.0.1:3000')
  await writeHeartbeat(pools.write, { id: first.id, srv_id }, health, 1000)
  const others = await conflictsOf({ ...second, srv_id: srvIdOf('10.0.0.2:3000') })
  assert.deepEqual(others, [first.id])
  assert.equal(await renameServer(pools.write, second.id), 'web-2')
})

test('a replica whose row is missing, another server’s or marked as gone counts nothing, and gets an error', async () => {
  const address = '10.0.0.1:3000'
  const { id } = await register(address)
  for (const damage of [
    'UPDATE server SET gone_at = last_seen_at',
    "UPDATE server SET gone_at = NULL, srv_id = REPEAT('f', 32)",
    'DELETE FROM server',
  ]) {
    await pools.write.query(damage)
    await assert.rejects(count({ id }, address, 3), { outcome: 'rolled_back', code: noOwnRow })
    const server = { id, srv_id: srvIdOf(address) }
    assert.equal(await writeHeartbeat(pools.write, server, health, 1000), false, damage)
  }
  assert.equal((await readBoard(pools.read, 1000)).counter, 0)
  const again = await register(address)
  assert.equal((await count(again, address, 3)).at(-1)?.id, 3)
})

test('a given name is used unchanged', async () => {
  assert.equal((await register('10.0.0.1:3000', 'blue')).name, 'blue')
})

test('a heartbeat writes the replica’s health', async () => {
  const { id } = await register('10.0.0.1:3000')
  const before = await readBoard(pools.read, 1000)
  assert.equal(before.servers[0]?.ready, false)
  await pools.write.query('UPDATE server SET last_seen_at = last_seen_at - INTERVAL 30 SECOND')
  const silent = await readBoard(pools.read, 1000)
  assert.ok((silent.servers[0]?.silentMs ?? 0) >= 30_000)
  await writeHeartbeat(pools.write, { id, srv_id: srvIdOf('10.0.0.1:3000') }, health, 1000)
  const [server] = (await readBoard(pools.read, 1000)).servers
  assert.ok(server)
  const written = Object.keys(health).map(field => [field, server[field as keyof Health]])
  assert.deepEqual(Object.fromEntries(written), health)
  assert.ok(server.silentMs < 30_000)
})

test('a server is no longer shown after a minute, and its hits stay in the sum', async () => {
  const address = '10.0.0.1:3000'
  const server = await register(address)
  await count(server, address, 4)
  await pools.write.query('UPDATE server SET last_seen_at = last_seen_at - INTERVAL 61 SECOND')
  const board = await readBoard(pools.read, 1000)
  assert.deepEqual([board.servers, board.counter, board.totalHits], [[], 4, 4])
})

test('request ids up to a number are pruned, a batch at a time', async () => {
  const address = '10.0.0.1:3000'
  const server = await register(address)
  await count(server, address, 10)
  await pools.write.query('UPDATE access_log SET created_at = created_at - INTERVAL 11 MINUTE')
  assert.equal(await pruneRecentRequests(pools.write, 8, 5), 5)
  assert.equal(await pruneRecentRequests(pools.write, 8, 5), 3)
  assert.equal(await pruneRecentRequests(pools.write, 8, 5), 0)
})

test('request ids younger than ten minutes stay, whatever their numbers, and none above the first of them is pruned', async () => {
  const address = '10.0.0.1:3000'
  const server = await register(address)
  await count(server, address, 10)
  await pools.write.query(
    'UPDATE access_log SET created_at = created_at - INTERVAL 11 MINUTE WHERE id <= 4 OR id >= 7',
  )
  assert.equal(await pruneRecentRequests(pools.write, 100_000, 50), 4)
  assert.equal(await pruneRecentRequests(pools.write, 100_000, 50), 0)
})

test('a request id whose log row is gone is pruned', async () => {
  const address = '10.0.0.1:3000'
  await count(await register(address), address, 10)
  await pools.write.query('DELETE FROM access_log WHERE id <= 3')
  assert.equal(await pruneRecentRequests(pools.write, 100_000, 50), 3)
})

test('pruning request ids reads one batch and its log rows, however many are kept', async () => {
  const address = '10.0.0.1:3000'
  const server = await register(address)
  for (let batch = 0; batch < 10; batch++) await count(server, address, 500)
  await pools.write.query(
    'UPDATE access_log SET created_at = created_at - INTERVAL 11 MINUTE WHERE id <= 1000',
  )
  const one = openWritePool(database.url)
  try {
    const read = await rowsRead(one, () => pruneRecentRequests(one, 100_000, 100))
    assert.ok(read <= 500, `${read} rows and index entries were read`)
  } finally {
    await one.end()
  }
})

const registerMany = async (replicas: number) => {
  for (let replica = 0; replica < replicas; replica++) {
    const address = `10.0.0.${replica}:3000`
    await registerServer(limitsPools.write, { srvId: srvIdOf(address), address, name: null })
  }
}

test('a warning says how many replicas fit, from the first one that does not', () => {
  const limits = { connections: 2 * connectionsPerReplica + 10, accountConnections: 0 }
  assert.equal(connectionWarning({ ...limits, replicas: 2 }), null)
  assert.match(
    connectionWarning({ ...limits, replicas: 3 }) ?? '',
    /takes 28 connections: .* room for 2 replicas, and 3 run/,
  )
})

test('the limit of the account counts where it is the lower one', () => {
  const docker = { connections: 320, accountConnections: 300 }
  assert.equal(replicasThatFit(docker), 33)
  assert.equal(connectionWarning({ ...docker, replicas: 33 }), null)
  assert.match(
    connectionWarning({ ...docker, replicas: 34 }) ?? '',
    /takes 320 connections, 300 of them from replicas: .* room for 33 replicas, and 34 run/,
  )
  assert.equal(replicasThatFit({ connections: 100, accountConnections: 300 }), 10)
})

test('live replicas are counted against the database’s limit', async () => {
  await registerMany(3)
  assert.equal(await checkLimits(limitsPools.read), null)
  await registerMany(60)
  assert.match(
    (await checkLimits(limitsPools.read)) ?? '',
    /^The database takes \d+ connections: with up to 9 .* and 60 run/,
  )
  await limitsPools.write.query('UPDATE server SET last_seen_at = last_seen_at - INTERVAL 7 SECOND')
  assert.equal(await checkLimits(limitsPools.read), null, 'those that are lost hold no connection')
})

test('a counter that is too high is refused in one sentence', async () => {
  await limitsPools.write.query('UPDATE global_counter SET value = ?', [highestNumber])
  assert.equal(await checkLimits(limitsPools.read), null)
  await limitsPools.write.query('UPDATE global_counter SET value = value + 1')
  await assert.rejects(
    checkLimits(limitsPools.read),
    /^DatabaseUnavailable: the database: its counter stands at 9007199254740992/,
  )
})
