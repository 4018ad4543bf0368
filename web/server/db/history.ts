import { z } from 'zod'
import type { ReadPool } from './pools.ts'
import { isoTime, query } from './query.ts'
import { byGoneAt, type Ending, ending } from './server-state.ts'

/** Consecutive periods of equal length. */
export type Buckets = {
  start: Date
  /** length of a bucket in seconds: whole minutes */
  step: number
  count: number
}

/** Hits of one instance of a server in one bucket. */
export type InstanceBucket = { id: number; srv_id: string; name: string; bucket: number; hits: number }

// Sums by id first and joins the names after: joining thousands of minutes would double the work.
const historySql = `SELECT s.id, s.srv_id, s.name, m.bucket, m.hits
  FROM (
    SELECT server_id, TIMESTAMPDIFF(SECOND, ?, minute) DIV ? AS bucket, CAST(SUM(hits) AS UNSIGNED) AS hits
    FROM server_minute WHERE minute >= ? AND minute < ?
    GROUP BY server_id, bucket
  ) m JOIN server s ON s.id = m.server_id
  ORDER BY s.id, m.bucket`

const counts = z.array(
  z.object({
    id: z.number().int(),
    srv_id: z.string(),
    name: z.string(),
    bucket: z.number().int(),
    hits: z.number().int(),
  }),
)

/** Ordered by instance, then time. A bucket without hits has no row. */
export async function readHistory(
  read: ReadPool,
  { start, step, count }: Buckets,
): Promise<InstanceBucket[]> {
  const end = new Date(start.getTime() + count * step * 1000)
  const rows = await query(read, historySql, [start, step, start, end])
  return counts.parse(rows)
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
  /** ms since its last heartbeat, counted to its stop or to now */
  silent_ms: number
}

const columns = `id, srv_id, name, started_at, last_seen_at, stopped_at, ended,
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
    silent_ms: z.number(),
  }),
)

/** Instances that were ready at some time and seen after `since`, newest first. */
export async function readInstances(read: ReadPool, since: Date, limit: number): Promise<Instance[]> {
  return instances.parse(await query(read, instancesSql, [since, limit, since, limit, limit]))
}

const clock = z.tuple([z.object({ now: isoTime })])

/** The database's time. All replicas use this clock. */
export async function readClock(read: ReadPool): Promise<Date> {
  const rows = await query(read, 'SELECT UTC_TIMESTAMP(3) AS now')
  const [{ now }] = clock.parse(rows)
  return new Date(now)
}
