import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../testing/endpoints.ts'
import { explainCases, rowsRead } from '../../testing/explain.ts'
import { addManyHits, srvIdOf } from '../../testing/log-rows.ts'
import { countLog } from '../retention/retention.ts'
import { onConnection } from './query.ts'

const rows = 150_000
const lives = 1000

let database: Awaited<ReturnType<typeof openDatabase>>

// One server that was started a thousand times, and answered for as long each time.
before(async () => {
  database = await openDatabase()
  const { fill } = database
  const started = Array.from({ length: lives }, (_, life) => [
    life + 1,
    srvIdOf('a'),
    'web-1',
    '10.0.0.1:3000',
    rows / lives,
    new Date(0),
    new Date(0),
  ])
  await fill.query(
    'INSERT INTO server (id, srv_id, name, address, hits, started_at, last_seen_at) VALUES ?',
    [started],
  )
  await addManyHits(fill, 1, rows)
  await fill.query('UPDATE access_log SET server_id = 1 + FLOOR((id - 1) / ?)', [rows / lives])
  await fill.query('UPDATE global_counter SET value = ?', [rows])
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

after(() => database?.close())

// Twice what a page scans, what the audit counts each time, a few per instance or minute: none of them grows with the log.
const bounds: [string, number][] = [
  ['snapshot', 5 * lives + 500],
  ['page: newest', 1000],
  ['page: no such server', 10],
  ['page', 12_000],
  ['audit', 30_000 + lives],
  ['history', 10 * lives],
]

for (const { name, run } of explainCases(rows, srvIdOf('a'))) {
  test(`${name}: what is read does not grow with the log`, async () => {
    const [, bound = 0] = bounds.find(([start]) => name.startsWith(start)) ?? []
    const read = await rowsRead(database.read, () => run(database.read))
    assert.ok(read <= bound, `${read} rows and index entries were read`)
  })
}
