// The history: hits per server and time; when servers started, ended, were silent and drained; and the database's clock. The
// batch writes the short buckets (page-view-numbers.ts); retention moves them to the minutes; the endpoint reads both. A replica
// writes its silence (lifecycle/own-row.ts); control.ts writes drains.
import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import type { Ending } from '../../shared/api.ts'
import { shortBucketSeconds } from '../../shared/limits.ts'
import { type EndCommand, endCommand } from './control.ts'
import type { ReadPool, WritePool } from './pools.ts'
import { inTransaction, isoTime, query, queryOn } from './query.ts'
import { byGoneAt, ending } from './server-state.ts'

const minuteSeconds = 60
const minuteMs = minuteSeconds * 1000

/** Consecutive periods of equal length. */
export type Buckets = {
  start: Date
  /** length of each: a part of a minute, or whole minutes */
  bucketSeconds: number
  count: number
}

/** Hits of one instance of a server in one bucket. */
export type InstanceBucket = { id: number; srv_id: string; name: string; bucket: number; hits: number }

// Each hit is in one of the two tables: in the short buckets, or in the minutes once retention has moved it there. One statement
// reads both, so that it reads no hit twice while retention moves it. It sums by id first and joins the names after: joining
// thousands of buckets would double the work.
const historySql = `SELECT s.id, s.srv_id, s.name, b.bucket, b.seconds, b.hits
  FROM (
    (SELECT server_id, ${shortBucketSeconds} AS seconds, TIMESTAMPDIFF(SECOND, ?, start) DIV ? AS bucket,
        CAST(SUM(hits) AS UNSIGNED) AS hits
      FROM server_bucket WHERE start >= ? AND start < ?
      GROUP BY server_id, bucket)
    UNION ALL
    (SELECT server_id, ${minuteSeconds} AS seconds, TIMESTAMPDIFF(SECOND, ?, minute) DIV ? AS bucket,
        CAST(SUM(hits) AS UNSIGNED) AS hits
      FROM server_minute WHERE minute >= ? AND minute < ?
      GROUP BY server_id, bucket)
  ) b JOIN server s ON s.id = b.server_id`

const counts = z.array(
  z.object({
    id: z.number().int(),
    srv_id: z.string(),
    name: z.string(),
    bucket: z.number().int(),
    seconds: z.number().int(),
    hits: z.number().int(),
  }),
)

/** In no order. A bucket has no row without hits, and may have two. */
export async function readHistory(read: ReadPool, buckets: Buckets): Promise<InstanceBucket[]> {
  const { start, bucketSeconds, count } = buckets
  const end = new Date(start.getTime() + count * bucketSeconds * 1000)
  const firstMinute = new Date(Math.floor(start.getTime() / minuteMs) * minuteMs)
  const rows = await query(read, historySql, [
    start,
    bucketSeconds,
    start,
    end,
    start,
    bucketSeconds,
    firstMinute,
    end,
  ])
  return counts.parse(rows).flatMap(row => (row.seconds > bucketSeconds ? spread(row, buckets) : [row]))
}

/**
 * Divides a minute's hits evenly among its buckets up to the current one: a server of an earlier release writes minutes only. So
 * the sum is right, and the distribution within the minute is not known.
 */
function spread(minute: InstanceBucket, { bucketSeconds, count }: Buckets): InstanceBucket[] {
  const buckets = Math.min(minuteSeconds / bucketSeconds, count - minute.bucket)
  const hitsUpTo = (place: number) => Math.floor((minute.hits * place) / buckets)
  return Array.from({ length: buckets }, (_, place) => ({
    ...minute,
    bucket: minute.bucket + place,
    hits: hitsUpTo(place + 1) - hitsUpTo(place),
  })).filter(({ bucket }) => bucket >= 0)
}

/** Minutes for which the history keeps its short buckets: more than the range that shows them. */
const keepShortMinutes = 60
/** short buckets moved in one transaction, at most */
const movedBatch = 500

const oldBucketsSql = `SELECT start, server_id, hits FROM server_bucket WHERE start < ?
  ORDER BY start, server_id LIMIT ${movedBatch} FOR UPDATE`

const oldBuckets = z.array(
  z.object({ start: z.string(), server_id: z.number().int(), hits: z.number().int() }),
)

/**
 * Adds short buckets that are older than an hour at the time `now` to the minutes and removes them, in one transaction. The rows
 * are locked from the read on, and only these are removed: whatever else writes meanwhile, no hit is lost or counted twice.
 * @returns how many; 0 if there is none
 */
export function rollUpBuckets(connection: PoolConnection, now: Date): Promise<number> {
  const before = new Date((Math.floor(now.getTime() / minuteMs) - keepShortMinutes) * minuteMs)
  return inTransaction(connection, async () => {
    const rows = oldBuckets.parse(await queryOn(connection, oldBucketsSql, [before]))
    if (rows.length === 0) return 0
    const minutes = Map.groupBy(rows, ({ start, server_id }) => `${minuteOf(start)} ${server_id}`)
    for (const group of minutes.values()) await addToMinute(connection, group)
    return rows.length
  })
}

type OldBuckets = z.output<typeof oldBuckets>

/** The start of the minute that a time of the database is in. */
const minuteOf = (time: string) => `${time.slice(0, 16)}:00`

/** Moves buckets of one instance and minute. */
async function addToMinute(connection: PoolConnection, buckets: OldBuckets): Promise<void> {
  const [{ start, server_id } = { start: '', server_id: 0 }] = buckets
  const hits = buckets.reduce((sum, bucket) => sum + bucket.hits, 0)
  const add =
    'INSERT INTO server_minute (minute, server_id, hits) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE hits = hits + ?'
  await queryOn(connection, add, [minuteOf(start), server_id, hits, hits])
  const remove = 'DELETE FROM server_bucket WHERE start IN (?) AND server_id = ?'
  await queryOn(connection, remove, [buckets.map(bucket => bucket.start), server_id])
}

/** One instance of a server: one run of its process. */
export type Instance = {
  id: number
  srv_id: string
  name: string
  started_at: string
  last_seen_at: string
  /** when it stopped, or when another instance started at its address; null if neither happened */
  stopped_at: string | null
  /** with `stopped_at`, how it ended; null if a server of an earlier release wrote it */
  ended: Ending | null
  /** how control ended it; null if it did not */
  ended_by_control: EndCommand | null
  /** ms since its last heartbeat, counted to its stop or to now */
  silent_ms: number
}

const columns = `id, srv_id, name, started_at, last_seen_at, stopped_at, ended,
    IF(end_taken_at IS NULL, NULL, end_wanted) AS ended_by_control,
    TIMESTAMPDIFF(MICROSECOND, last_seen_at, COALESCE(stopped_at, UTC_TIMESTAMP(3))) DIV 1000 AS silent_ms`

// Reads gone servers by an index, newest first: the cost does not grow with the number of servers ever seen.
const instancesSql = `SELECT ${columns} FROM (
    (SELECT * FROM server ${byGoneAt} WHERE gone_at IS NULL AND last_seen_at >= ? AND ready_at IS NOT NULL ORDER BY id DESC LIMIT ?)
    UNION ALL
    (SELECT * FROM server ${byGoneAt} WHERE gone_at >= ? AND ready_at IS NOT NULL ORDER BY gone_at DESC LIMIT ?)
  ) instances
  ORDER BY id DESC LIMIT ?`

const instances = z.array(
  z.object({
    id: z.number().int(),
    srv_id: z.string(),
    name: z.string(),
    started_at: isoTime,
    last_seen_at: isoTime,
    stopped_at: isoTime.nullable(),
    ended: ending.nullable(),
    ended_by_control: endCommand.nullable(),
    silent_ms: z.number(),
  }),
)

/** Instances that were ready at some time and seen after `since`, newest first. */
export async function readInstances(read: ReadPool, since: Date, limit: number): Promise<Instance[]> {
  return instances.parse(await query(read, instancesSql, [since, limit, since, limit, limit]))
}

/** A time without a heartbeat of an instance, after which it went on. */
export type Silence = { id: number; srv_id: string; name: string; from: string; until: string }

const silencesSql = `SELECT s.id, s.srv_id, s.name, e.at AS \`from\`, e.until_at AS until
  FROM server_event e JOIN server s ON s.id = e.server_id
  WHERE e.at >= ? AND e.type = 'lost' AND e.until_at IS NOT NULL ORDER BY e.at DESC LIMIT ?`

const silences = z.array(
  z.object({ id: z.number().int(), srv_id: z.string(), name: z.string(), from: isoTime, until: isoTime }),
)

/** Silences that began after `since`, newest first. */
export async function readSilences(read: ReadPool, since: Date, limit: number): Promise<Silence[]> {
  return silences.parse(await query(read, silencesSql, [since, limit]))
}

/** A server's drain that control began or ended. */
export type DrainChange = { id: number; srv_id: string; name: string; type: 'drain' | 'undrain'; at: string }

const drainChangesSql = `SELECT s.id, s.srv_id, s.name, e.type, e.until_at AS at
  FROM server_event e JOIN server s ON s.id = e.server_id
  WHERE e.at >= ? AND e.type IN ('drain', 'undrain') AND e.until_at IS NOT NULL ORDER BY e.at DESC LIMIT ?`

const drainChanges = z.array(
  z.object({
    id: z.number().int(),
    srv_id: z.string(),
    name: z.string(),
    type: z.enum(['drain', 'undrain']),
    at: isoTime,
  }),
)

/** Drains that servers acknowledged after `since`, and their ends, newest first. */
export async function readDrainChanges(read: ReadPool, since: Date, limit: number): Promise<DrainChange[]> {
  return drainChanges.parse(await query(read, drainChangesSql, [since, limit]))
}

// Hits may have been counted since it woke, which is a heartbeat too: then its row no longer says since when there was none.
const silenceSql = `INSERT IGNORE INTO server_event (at, server_id, type, until_at)
  SELECT LEAST(last_seen_at, UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND), id, 'lost', UTC_TIMESTAMP(3)
  FROM server WHERE id = ? AND srv_id = ? AND gone_at IS NULL`

/** Records that an instance sent no heartbeat for the last `ms`, and goes on. @throws if it took longer than `timeoutMs` */
export async function writeSilence(
  pool: WritePool,
  server: { id: number; srv_id: string },
  ms: number,
  timeoutMs: number,
): Promise<void> {
  await query(pool, silenceSql, [Math.round(ms) * 1000, server.id, server.srv_id], timeoutMs)
}

/** Hours for which events are kept: more than the longest range, and the day before it within which an outage may have begun. */
const keepEventHours = 49

/** Removes events that are too old at the time `now`, at most `limit`. @returns how many */
export async function purgeEvents(connection: PoolConnection, now: Date, limit: number): Promise<number> {
  const sql = `DELETE FROM server_event WHERE at < CAST(? AS DATETIME(3)) - INTERVAL ${keepEventHours} HOUR ORDER BY at LIMIT ?`
  const deleted = z.looseObject({ affectedRows: z.number() })
  return deleted.parse(await queryOn(connection, sql, [now, limit])).affectedRows
}

const clock = z.tuple([z.object({ now: isoTime })])

/** The database's time. All replicas use this clock. */
export async function readClock(read: ReadPool): Promise<Date> {
  const rows = await query(read, 'SELECT UTC_TIMESTAMP(3) AS now')
  const [{ now }] = clock.parse(rows)
  return new Date(now)
}
