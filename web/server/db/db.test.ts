import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { startStubServer } from '../../../tools/lib/testing.ts'
import {
  forgottenAfterSeconds,
  heartbeatSeconds,
  lostAfterSeconds,
  silentAfterSeconds,
} from '../../shared/limits.ts'
import { sampleHit } from '../../testing/samples.ts'
import { DatabaseUnavailable } from '../errors.ts'
import { CommitFailed } from '../hits/hit.ts'
import { auditOf } from './audit.ts'
import { databaseHitStore, lockWait } from './hit-store.ts'
import { judgeFailure } from './page-view-numbers.ts'
import {
  closePools,
  connectionLimits,
  openPools,
  openReadPool,
  openUpkeepPool,
  openWritePool,
  type ReadPool,
} from './pools.ts'
import { onConnection, query, retryWhileUnavailable } from './query.ts'
import { formatErrorCodes, parseErrorCodes } from './server-state.ts'

/** The database's answer to a packet of statements; null = none. */
type Reply = Buffer | null

const ok = Buffer.from([0, 0, 0, 2, 0, 0, 0])

/** Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_err_packet.html */
function errorPacket(code: number, message: string): Buffer {
  return Buffer.from([0xff, code & 0xff, code >> 8, ...Buffer.from(`#42000${message}`)])
}

/** Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html */
const greeting = Buffer.concat([
  Buffer.from([10, ...Buffer.from('8.0.0\0'), 1, 0, 0, 0]),
  Buffer.from('12345678\0'),
  // capabilities without TLS and compression, character set, status, capabilities, length of the scramble
  Buffer.from([0xdf, 0xf7, 8, 2, 0, 0x0b, 0, 21]),
  Buffer.alloc(10),
  Buffer.from('123456789012\0mysql_native_password\0'),
])

const frame = (sequence: number, payload: Buffer) =>
  Buffer.concat([Buffer.from([payload.length & 0xff, payload.length >> 8, 0, sequence]), payload])

/** A server that accepts every login and answers statements as configured. */
async function startServer(reply: (sql: string) => Reply, greets = true) {
  const packets: string[] = []
  let connections = 0
  const greet = (socket: Socket) => {
    connections++
    socket.on('error', () => {})
    if (!greets) return
    socket.write(frame(0, greeting))
    let signedIn = false
    socket.on('data', data => {
      if (!signedIn) {
        signedIn = true
        return void socket.write(frame(2, ok))
      }
      const sql = Buffer.from(data).subarray(5).toString()
      packets.push(sql)
      const answer = reply(sql)
      if (answer) socket.write(frame(1, answer))
    })
  }
  const server = await startStubServer(createServer(greet))
  return {
    ...server,
    url: `mysql://board:secret@127.0.0.1:${server.port}/board`,
    packets,
    connections: () => connections,
  }
}

async function whilePool<P extends ReadPool>(pool: P, work: (pool: P) => Promise<void>): Promise<void> {
  try {
    await work(pool)
  } finally {
    // It says goodbye on each connection, and not every server in these tests answers.
    void pool.end().catch(() => {})
  }
}

const hit = sampleHit()
const server1 = { id: 1, srv_id: 'a'.repeat(32) }

for (const [name, open] of Object.entries({ openReadPool, openWritePool, openUpkeepPool })) {
  test(`${name}: a session whose limits the database refuses is not used, and has no other effect`, async () => {
    await using server = await startServer(sql =>
      sql.startsWith('SET') ? errorPacket(1193, 'Unknown system variable') : ok,
    )
    await whilePool(open(server.url), async pool => {
      for (let time = 0; time < 5; time++)
        await assert.rejects(query(pool, 'DO 1'), /Unknown system variable/)
      assert.equal(server.packets.filter(sql => sql === 'DO 1').length, 0)
      assert.equal(server.connections(), 5, 'each of them is closed')
    })
  })

  test(`${name}: a database that does not answer while the session is set up fails the call in time`, async () => {
    await using server = await startServer(sql => (sql.startsWith('SET') ? null : ok))
    await whilePool(open(server.url), async pool => {
      await assert.rejects(query(pool, 'DO 1', [], 50), /no connection within 50 ms/)
      assert.deepEqual(
        server.packets.filter(sql => sql === 'DO 1'),
        [],
      )
    })
  })
}

test('a batch whose connection cannot be set up is certainly not committed', async () => {
  await using server = await startServer(() => errorPacket(1193, 'Unknown system variable'))
  await whilePool(openWritePool(server.url), async pool => {
    const failed = { outcome: 'rolled_back', kind: 'away', code: 'ER_UNKNOWN_SYSTEM_VARIABLE' }
    await assert.rejects(databaseHitStore(pool, server1).commit([hit], 1000), failed)
  })
})

for (const [latestMs, earliestMs, wait] of [
  [1500, 1500, 'session'],
  [1200, 100, 'session'],
  [1199, 1199, 999],
  [1190, 700, 500],
  [700, 220, 20],
  [700, 219, 0],
  [700, 100, 0],
] as const)
  test(`hits that have ${earliestMs} to ${latestMs} ms left wait for the counter’s lock: ${wait}`, () => {
    assert.equal(lockWait(latestMs, earliestMs), wait)
  })

test('a batch tells the database how long to wait', async () => {
  await using server = await startServer(sql =>
    sql.startsWith('START') ? errorPacket(1146, 'no such table') : ok,
  )
  const sent = async (ms: number, earliestMs?: number) => {
    await whilePool(openWritePool(server.url), async pool => {
      await assert.rejects(databaseHitStore(pool, server1).commit([hit], ms, earliestMs), { kind: 'refused' })
    })
    return server.packets.findLast(sql => sql.startsWith('START')) ?? ''
  }
  assert.doesNotMatch(await sent(60_000), /FOR UPDATE/)
  assert.match(
    await sent(1199, 60_000),
    /max_statement_time = 59\.\d+ FOR \*\/ SELECT \/\*\+ MAX_EXECUTION_TIME\(59\d{3}\) \*\/ .* FOR UPDATE;/,
  )
  assert.match(await sent(1199, 1), /FOR UPDATE NOWAIT/)
})

test('a database that accepts connections but is silent fails each call in time', async () => {
  await using server = await startServer(() => ok, false)
  await whilePool(openWritePool(server.url), async pool => {
    await assert.rejects(query(pool, 'DO 1', [], 40), /no connection within 40 ms/)
    const failed = { outcome: 'rolled_back', kind: 'away', code: 'NO_CONNECTION' }
    await assert.rejects(databaseHitStore(pool, server1).commit([hit], 40), failed)
    await assert.rejects(databaseHitStore(pool, server1).find([hit.requestId], 40), failed)
  })
})

test('a call waits for a free connection at most for its timeout', async () => {
  await using server = await startServer(() => ok)
  await whilePool(openReadPool(server.url), async pool => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const holders = Array.from({ length: connectionLimits.read }, () => onConnection(pool, () => promise))
    await assert.rejects(query(pool, 'DO 1', [], 50), /no connection within 50 ms/)
    resolve()
    await Promise.all(holders)
    await query(pool, 'DO 2')
    const asked = server.packets.filter(sql => !sql.startsWith('SET SESSION'))
    assert.deepEqual(asked, ['DO 2'], 'who gave up does not ask after all, and keeps no connection')
  })
})

test('only so many calls wait for a connection: one more is refused immediately', async () => {
  await using server = await startServer(() => ok)
  for (const pool of Object.values(openPools(server.url)))
    await whilePool(pool, async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const calls = Array.from({ length: 4 + 64 }, () => onConnection(pool, () => promise))
      const settled = Promise.allSettled(calls)
      await assert.rejects(
        Promise.any([onConnection(pool, async () => {}), onConnection(pool, async () => {})]),
        AggregateError,
      )
      resolve()
      await settled
    })
})

test('pools of a silent database are closed in the end', async () => {
  await using server = await startServer(() => null)
  const pools = openPools(server.url)
  await assert.rejects(query(pools.write, 'DO 1', [], 30))
  await closePools(pools)
})

/** Work that fails so many times before it succeeds. */
function failingWork(times: number, error: Error) {
  const work = { tries: 0, do: async () => (++work.tries > times ? 'done' : Promise.reject(error)) }
  return work
}

test('an outage that ends in time is retried', async () => {
  const work = failingWork(2, new DatabaseUnavailable('away'))
  assert.equal(await retryWhileUnavailable(work.do, 10_000), 'done')
  assert.equal(work.tries, 3)
})

test('an outage that lasts is reported after the timeout', async () => {
  const work = failingWork(Number.POSITIVE_INFINITY, new DatabaseUnavailable('away'))
  await assert.rejects(retryWhileUnavailable(work.do, 1), /away/)
})

test('other errors than an unavailable database are not retried', async () => {
  const work = failingWork(1, new TypeError('a defect'))
  await assert.rejects(retryWhileUnavailable(work.do, 10_000), /a defect/)
  assert.equal(work.tries, 1)
})

const serverError = (code: string | undefined, errno = 0) =>
  Object.assign(new Error(code), { code, errno, sqlState: 'HY000' })
const lost = Object.assign(new Error('closed'), { code: 'PROTOCOL_CONNECTION_LOST' })

for (const [what, error, step, outcome, kind] of [
  ['any statement before the commit', serverError('ER_WHATEVER'), 'bucket', 'rolled_back', 'refused'],
  ['the start of the transaction', serverError('ER_UNKNOWN_ERROR'), 'begin', 'rolled_back', 'refused'],
  ['the commit itself', serverError('ER_ERROR_DURING_COMMIT'), 'end', 'unknown', 'refused'],
  ['a commit that waited for a lock', serverError('ER_LOCK_WAIT_TIMEOUT', 1205), 'end', 'unknown', 'refused'],
  ['a commit that Galera rejects', serverError('ER_LOCK_DEADLOCK', 1213), 'end', 'rolled_back', 'contention'],
  ['a commit that a group rejects', serverError(undefined, 3101), 'end', 'rolled_back', 'contention'],
  ['a commit that others may have', serverError('ER_ERROR_DURING_COMMIT', 1180), 'end', 'unknown', 'refused'],
  ['a node outside its cluster', serverError('ER_UNKNOWN_COM_ERROR', 1047), 'counter', 'rolled_back', 'away'],
  ['a node that left its cluster', serverError('ER_UNKNOWN_COM_ERROR', 1047), 'end', 'unknown', 'away'],
  ['a lost transaction', serverError('ER_LOCK_DEADLOCK', 1213), 'log', 'rolled_back', 'contention'],
  ['an old primary', serverError('ER_OPTION_PREVENTS_STATEMENT', 1290), 'counter', 'rolled_back', 'refused'],
  ['a server in read-only mode', serverError('ER_READ_ONLY_MODE', 1836), 'counter', 'rolled_back', 'refused'],
  ['a read-only session', serverError(undefined, 1792), 'counter', 'rolled_back', 'refused'],
  ['a lock', serverError('ER_LOCK_NOWAIT', 3572), 'lock', 'rolled_back', 'contention'],
  ['a lock held for too long', serverError('ER_QUERY_TIMEOUT', 3024), 'lock', 'rolled_back', 'contention'],
  ['the same, in MariaDB', serverError(undefined, 1969), 'lock', 'rolled_back', 'contention'],
  ['a limit of the server itself', serverError(undefined, 1969), 'counter', 'rolled_back', 'contention'],
  ['a slow statement', serverError(undefined, 1969), 'log', 'rolled_back', 'refused'],
  ['a commit over a limit', serverError('ER_QUERY_TIMEOUT', 3024), 'end', 'unknown', 'refused'],
  ['a request id that is known', serverError('ER_DUP_ENTRY', 1062), 'requests', 'rolled_back', 'repeat'],
  ['a number that is in the log', serverError('ER_DUP_ENTRY', 1062), 'log', 'rolled_back', 'refused'],
  ['a server that shuts down', serverError('ER_SERVER_SHUTDOWN', 1053), 'log', 'unknown', 'away'],
  ['a connection that MariaDB kills', serverError(undefined, 1927), 'log', 'unknown', 'away'],
  ['a connection that is lost', lost, 'begin', 'unknown', 'away'],
] as const)
  test(`${what}: ${outcome}, ${kind}`, () => {
    assert.deepEqual(judgeFailure(error, step), { outcome, kind })
  })

test('an error without a name in the driver is identified by its number', () => {
  assert.equal(new CommitFailed('rolled_back', 'refused', serverError(undefined, 1969)).code, 'ERROR_1969')
})

test('counts by code come back from a server’s row as they were written', () => {
  const codes = { overloaded: 3, outcome_unknown: 1 }
  assert.equal(formatErrorCodes(codes), 'overloaded:3,outcome_unknown:1')
  assert.deepEqual(parseErrorCodes(formatErrorCodes(codes)), codes)
  assert.deepEqual([parseErrorCodes(formatErrorCodes({})), parseErrorCodes(null)], [{}, {}])
})

test('every code of a page view at its highest count has room in the column', () => {
  const codes = ['counter_unavailable', 'outcome_unknown', 'overloaded', 'shutting_down', 'internal_error']
  const most = Object.fromEntries(codes.map(code => [code, 2 ** 32 - 1]))
  assert.ok(formatErrorCodes(most).length <= 255)
})

test('a server is silent once a heartbeat is late, then lost, then forgotten', () => {
  const order = [heartbeatSeconds, silentAfterSeconds, lostAfterSeconds, forgottenAfterSeconds]
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  )
  assert.ok(silentAfterSeconds > heartbeatSeconds)
})

const figures = { counter: 100, min_id: 1, max_id: 100, purged_through: null, row_count: 100, sum_hits: 100 }

test('counter, highest id, rows and hits that agree are consistent', () => {
  assert.deepEqual(auditOf(figures), {
    counter: 100,
    max_id: 100,
    rows: 100,
    purged: 0,
    sum_hits: 100,
    consistent: true,
  })
})

test('rows that retention removed are reported, and the audit stays consistent', () => {
  const audit = auditOf({ ...figures, min_id: 41, row_count: 60 })
  assert.equal(audit.purged, 40)
  assert.ok(audit.consistent)
})

test('a log that is all purged, or never had a row, is consistent', () => {
  const empty = { min_id: null, max_id: null, row_count: 0 }
  assert.deepEqual(auditOf({ ...empty, counter: 100, purged_through: 100, sum_hits: 100 }), {
    counter: 100,
    max_id: 0,
    rows: 0,
    purged: 100,
    sum_hits: 100,
    consistent: true,
  })
  assert.ok(auditOf({ ...empty, counter: 0, purged_through: null, sum_hits: 0 }).consistent)
})

test('a log that was not emptied by retention is not consistent', () => {
  const empty = { counter: 100, min_id: null, max_id: null, row_count: 0, sum_hits: 100 }
  assert.equal(auditOf({ ...empty, purged_through: 40 }).consistent, false)
})

for (const [what, wrong] of Object.entries({
  'a row missing in the middle': { row_count: 99 },
  'a row too many': { row_count: 101 },
  'the newest row missing': { max_id: 99, row_count: 99 },
  'a row beyond the counter': { max_id: 101, row_count: 101 },
  'a counter ahead of the log': { counter: 101 },
  'hits that a server did not count': { sum_hits: 99 },
  'hits that a server counted twice': { sum_hits: 101 },
})) {
  test(`${what} is not consistent`, () => assert.equal(auditOf({ ...figures, ...wrong }).consistent, false))
}
