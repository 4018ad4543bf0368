import assert from 'node:assert/strict'
import { test } from 'node:test'
import mysql from 'mysql2/promise'
import { openPrismaClient } from './prisma-client.ts'
import { createTestDatabase } from './test-database.ts'

const hex = (digit: string) => digit.repeat(32)

test('Prisma Client reads every table as plain SQL wrote them', async () => {
  await using database = await createTestDatabase()
  const writer = await mysql.createConnection({ uri: database.url, multipleStatements: true })
  await writer.query(`
    UPDATE global_counter SET value = 1;
    INSERT INTO access_log VALUES
      (1, '2026-11-22 12:04:31.203', '203.0.113.9', '${hex('a')}', 1, NULL, '${hex('b')}');
    INSERT INTO recent_request VALUES ('${hex('b')}', 1);
    INSERT INTO server (srv_id, name, address, hits, started_at, last_seen_at, draining, p50_ms)
      VALUES ('${hex('a')}', 'web-1', '127.0.0.1:3000', 1, '2026-11-22 12:00:00', '2026-11-22 12:04:31.5', 1, 0.25);
    INSERT INTO server_minute VALUES ('2026-11-22 12:04:00', 1, 18446744073709551615);
    INSERT INTO server_bucket VALUES ('2026-11-22 12:04:35', 1, 2);
    INSERT INTO server_event VALUES ('2026-11-22 12:04:31.203', 1, 'lost', NULL, NULL);
    INSERT INTO log_checkpoint VALUES (5000, 4999, '2026-11-22 12:04:31.203');
    INSERT INTO log_purge VALUES (1, 18446744073709551615);
    INSERT INTO past_hits VALUES (1000, 7, '2026-11-22 12:04:31.203');
    INSERT INTO retention_clock VALUES (1, '2026-11-22 12:04:31.203')`)
  await writer.end()

  const client = openPrismaClient(database.url)
  try {
    const [buckets, events] = await Promise.all([
      client.serverBucket.findMany(),
      client.serverEvent.findMany(),
    ])
    assert.deepEqual(buckets, [{ start: new Date('2026-11-22T12:04:35Z'), serverId: 1, hits: 2n }])
    assert.deepEqual(events, [
      { at: new Date('2026-11-22T12:04:31.203Z'), serverId: 1, type: 'lost', untilAt: null, clientIp: null },
    ])
    const [counters, log, recent, servers, minutes, checkpoints, purges, clocks, past] = await Promise.all([
      client.globalCounter.findMany(),
      client.accessLog.findMany(),
      client.recentRequest.findMany(),
      client.server.findMany(),
      client.serverMinute.findMany(),
      client.logCheckpoint.findMany(),
      client.logPurge.findMany(),
      client.retentionClock.findMany(),
      client.pastHits.findMany(),
    ])
    assert.deepEqual(counters, [{ id: 1, value: 1n }])
    assert.deepEqual(log, [
      {
        id: 1n,
        createdAt: new Date('2026-11-22T12:04:31.203Z'),
        clientIp: '203.0.113.9',
        srvId: hex('a'),
        serverId: 1,
        cookieSrvId: null,
        requestId: hex('b'),
      },
    ])
    assert.deepEqual(recent, [{ requestId: hex('b'), id: 1n }])
    assert.partialDeepStrictEqual(servers, [
      { id: 1, name: 'web-1', hits: 1n, draining: true, p50Ms: 0.25, p99Ms: null, readyAt: null },
    ])
    assert.deepEqual(minutes, [
      { minute: new Date('2026-11-22T12:04:00Z'), serverId: 1, hits: 18446744073709551615n },
    ])
    assert.deepEqual(checkpoints, [
      { lastId: 5000n, found: 4999, countedAt: new Date('2026-11-22T12:04:31.203Z') },
    ])
    assert.deepEqual(purges, [{ id: 1, throughId: 18446744073709551615n }])
    assert.deepEqual(past, [{ firstId: 1000, hits: 7n, countedAt: new Date('2026-11-22T12:04:31.203Z') }])
    assert.deepEqual(clocks, [{ id: 1, believedAt: new Date('2026-11-22T12:04:31.203Z') }])
  } finally {
    await client.$disconnect()
  }
})
