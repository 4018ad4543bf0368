// Fills the log of a migrated database to measure what grows with it: ten million rows in a few minutes.
//   node tools/bench/harness/fill-log.ts <databaseUrl> <rows>
// The rows follow the existing ones, spread evenly over the last 20 days. Three servers share them: two with one instance
// each, the third was restarted 999 times. Counter, log and servers' hits agree at every moment.
import mysql, { type Connection, type ResultSetHeader } from 'mysql2/promise'
import { readDatabaseUrl } from '../../../web/server/config.ts'
import { bucketStart } from '../../../web/server/db/page-view-numbers.ts'
import { srvIdOf } from '../../../web/server/identity.ts'

const chunkRows = 50_000
const firstServerInstances = 1000

/** `total` rows, the first at `start`, one every `step` µs */
type Period = { total: number; start: string; step: number }

const digits = `(${Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(' UNION ALL ')})`

/** 0 to 99,999, on MySQL and MariaDB alike. */
const places = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS place
  FROM ${digits} a, ${digits} b, ${digits} c, ${digits} e, ${digits} f)`

const [, , databaseUrl, rows] = process.argv
if (!databaseUrl || !/^[1-9]\d*$/.test(rows ?? '')) {
  console.error('usage: node tools/bench/harness/fill-log.ts mysql://user:password@host:port/database <rows>')
  process.exit(2)
}
const connection = await mysql.createConnection({
  ...readDatabaseUrl(databaseUrl),
  timezone: 'Z',
  charset: 'ascii_bin',
})
try {
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  await fillLog(connection, Number(rows))
} finally {
  await connection.end()
}

async function fillLog(connection: Connection, total: number): Promise<void> {
  const days = 20 * 86_400_000
  const start = new Date(Date.now() - days).toISOString().replace('T', ' ').replace('Z', '')
  const period = { total, start, step: (days * 1000) / total }
  const firstInstance = await registerInstances(connection, period)
  for (let done = 0; done < total; done += chunkRows) {
    await fillChunk(connection, period, firstInstance, done, Math.min(chunkRows, total - done))
  }
}

/** Inserts the first server's thousand instances, then one of each other server. @returns the first id; the others follow it */
async function registerInstances(connection: Connection, { start, step, total }: Period): Promise<number> {
  const instances = Array.from({ length: firstServerInstances + 2 }, (_, instance) => {
    const server = Math.max(1, instance - firstServerInstances + 2)
    const address = `10.9.0.${server}:3000`
    const beginsAt =
      instance < firstServerInstances ? Math.floor((instance * total * step) / firstServerInstances) : 0
    const endsAt =
      instance < firstServerInstances
        ? Math.floor(((instance + 1) * total * step) / firstServerInstances)
        : total * step
    return [srvIdOf(address), `filled-${server}`, address, start, beginsAt, start, endsAt, start, endsAt]
  })
  const row = '(?, ?, ?, ? + INTERVAL ? MICROSECOND, ? + INTERVAL ? MICROSECOND, ? + INTERVAL ? MICROSECOND)'
  const [inserted] = await connection.query<ResultSetHeader>(
    `INSERT INTO server (srv_id, name, address, started_at, last_seen_at, stopped_at)
     VALUES ${instances.map(() => row).join()}`,
    instances.flat(),
  )
  return inserted.insertId
}

async function fillChunk(
  connection: Connection,
  { total, start, step }: Period,
  firstInstance: number,
  done: number,
  count: number,
): Promise<void> {
  await connection.beginTransaction()
  await connection.query('UPDATE global_counter SET value = LAST_INSERT_ID(value + ?) WHERE id = 1', [count])
  await connection.query('SET @before = LAST_INSERT_ID() - ?', [count])
  const instanceSql = `IF(place % 3 = 0, FLOOR((? + place) * ${firstServerInstances} / ?), ${firstServerInstances - 1} + place % 3)`
  await connection.query(
    `INSERT INTO access_log (id, created_at, client_ip, srv_id, server_id, cookie_srv_id, request_id)
     SELECT hit.id, hit.at, hit.client_ip, s.srv_id, s.id,
       CASE hit.id % 10 WHEN 0 THEN NULL WHEN 1 THEN ? ELSE s.srv_id END, MD5(hit.id)
     FROM (SELECT @before + 1 + place AS id, ? + INTERVAL ROUND((? + place) * ?) MICROSECOND AS at,
         CONCAT(IF(place % 2 = 0, '203.0.113.', '10.0.0.'), 1 + place % 250) AS client_ip,
         ? + ${instanceSql} AS instance
       FROM ${places} p WHERE place < ? ORDER BY place) hit STRAIGHT_JOIN server s ON s.id = hit.instance`,
    [srvIdOf('10.9.0.2:3000'), start, done, step, firstInstance, done, total, count],
  )
  const added = 'access_log WHERE id > @before'
  await connection.query(
    `UPDATE server s JOIN (SELECT server_id, COUNT(*) AS hits FROM ${added} GROUP BY server_id) a ON a.server_id = s.id
     SET s.hits = s.hits + a.hits`,
  )
  // As retention leaves it: short buckets for the last hour, minutes before.
  const hourAgo = 'UTC_TIMESTAMP() - INTERVAL 1 HOUR'
  for (const [table, column, start, period] of [
    ['server_minute', 'minute', "DATE_FORMAT(created_at, '%Y-%m-%d %H:%i:00')", `created_at < ${hourAgo}`],
    ['server_bucket', 'start', bucketStart('created_at'), `created_at >= ${hourAgo}`],
  ] as const) {
    await connection.query(
      `INSERT INTO ${table} (${column}, server_id, hits)
       SELECT * FROM (SELECT ${start} AS start, server_id, COUNT(*) AS hits
         FROM ${added} AND ${period} GROUP BY start, server_id) a
       ON DUPLICATE KEY UPDATE ${table}.hits = ${table}.hits + a.hits`,
    )
  }
  await connection.commit()
}
