import { z } from 'zod'
import { type ReadPool, toIsoTime } from './pools.ts'
import { query } from './query.ts'
import { byGoneAt } from './server-row.ts'

/** Equal stretches of time, one after the other. */
export type Buckets = {
  start: Date
  /** length of each, in seconds: whole minutes */
  step: number
  count: number
}

/** The hits of one life of a server in one bucket. */
export type LifeInBucket = { id: number; srv_id: string; name: string; bucket: number; hits: number }

// Added up by the bare key first, and named after: the names of thousands of minutes would double the work.
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

/** By life, then time; a bucket without hits has no row. */
export async function readHistory(read: ReadPool, { start, step, count }: Buckets): Promise<LifeInBucket[]> {
  const end = new Date(start.getTime() + count * step * 1000)
  const rows = await query(read, historySql, [start, step, start, end])
  return counts.parse(rows)
}

/** A life of a server, from its start to its end. */
export type Life = {
  id: number
  srv_id: string
  name: string
  started_at: string
  last_seen_at: string
  /** when it left, or another life began at its address; null = neither */
  stopped_at: string | null
  /** ms without a sign, until it stopped, or until now */
  silent_ms: number
}

const columns = `id, srv_id, name, started_at, last_seen_at, stopped_at,
    TIMESTAMPDIFF(MICROSECOND, last_seen_at, COALESCE(stopped_at, UTC_TIMESTAMP(3))) DIV 1000 AS silent_ms`

// Those that are gone by an index, from the newest on: so it is a few, however many there ever were.
const livesSql = `SELECT ${columns} FROM (
    (SELECT * FROM server ${byGoneAt} WHERE gone_at IS NULL AND last_seen_at >= ? AND ready_at IS NOT NULL ORDER BY id DESC LIMIT ?)
    UNION ALL
    (SELECT * FROM server ${byGoneAt} WHERE gone_at >= ? AND ready_at IS NOT NULL ORDER BY gone_at DESC LIMIT ?)
  ) lives
  ORDER BY id DESC LIMIT ?`

const time = z.string().transform(toIsoTime)
const lives = z.array(
  z.object({
    id: z.number().int(),
    srv_id: z.string(),
    name: z.string(),
    started_at: time,
    last_seen_at: time,
    stopped_at: time.nullable(),
    silent_ms: z.number(),
  }),
)

/** The lives that were seen after `since` and could serve, the newest first. */
export async function readLives(read: ReadPool, since: Date, limit: number): Promise<Life[]> {
  return lives.parse(await query(read, livesSql, [since, limit, since, limit, limit]))
}

const clock = z.tuple([z.object({ now: z.string() })])

/** The time by the database's clock, which all replicas share. */
export async function readClock(read: ReadPool): Promise<Date> {
  const rows = await query(read, 'SELECT UTC_TIMESTAMP(3) AS now')
  const [{ now }] = clock.parse(rows)
  return new Date(toIsoTime(now))
}
