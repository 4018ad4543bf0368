import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import type { ServerState } from '../../shared/api.ts'
import { toIsoTime, type WritePool } from './pools.ts'
import { query, queryOn } from './query.ts'

/** A server as its row tells it. */
export type BoardServer = Health & {
  id: number
  srvId: string
  name: string
  address: string
  hits: number
  startedAt: string
  lastSeenAt: string
  /** ms since it was last seen */
  silentMs: number
  stopped: boolean
}

/** Of a row of `server` named s. Its id and srv_id are a life's: those of a hit have the short names. */
export const serverColumns = `s.id AS life_id, s.srv_id AS life_srv_id, s.name, s.address, s.hits, s.started_at, s.last_seen_at,
    TIMESTAMPDIFF(MICROSECOND, s.last_seen_at, UTC_TIMESTAMP(3)) DIV 1000 AS silent_ms,
    s.ready_at IS NOT NULL AS ready, s.draining, s.stopped_at IS NOT NULL AS stopped,
    s.rate, s.p50_ms, s.p99_ms, s.errors, s.error_codes, s.streams, s.memory_bytes`

const flag = z.number().transform(value => value !== 0)
const time = z.string().transform(toIsoTime)

/** From a row with `serverColumns`. */
export const boardServer = z
  .object({
    life_id: z.number().int(),
    life_srv_id: z.string(),
    name: z.string(),
    address: z.string(),
    hits: z.number().int(),
    started_at: time,
    last_seen_at: time,
    silent_ms: z.number(),
    ready: flag,
    draining: flag,
    stopped: flag,
    rate: z.number(),
    p50_ms: z.number().nullable(),
    p99_ms: z.number().nullable(),
    errors: z.number().int(),
    error_codes: z.string().nullable().transform(fromColumn),
    streams: z.number().int(),
    memory_bytes: z.number(),
  })
  .transform(
    (row): BoardServer => ({
      id: row.life_id,
      srvId: row.life_srv_id,
      name: row.name,
      address: row.address,
      hits: row.hits,
      startedAt: row.started_at,
      lastSeenAt: row.last_seen_at,
      silentMs: row.silent_ms,
      ready: row.ready,
      draining: row.draining,
      stopped: row.stopped,
      rate: row.rate,
      p50Ms: row.p50_ms,
      p99Ms: row.p99_ms,
      errors: row.errors,
      errorCodes: row.error_codes,
      streams: row.streams,
      memoryBytes: row.memory_bytes,
    }),
  )

/** Seconds without a sign after which a server is lost, and after which it is no longer shown. */
export const silence = { lost: 6, forgotten: 60 } as const

/**
 * After the name of `server` in a statement that asks by `gone_at`. Left to choose, the database reads the whole table where
 * its statistics are from when that was small.
 */
export const byGoneAt = 'FORCE INDEX (server_gone_at_srv_id_idx)'

/** A condition on `table`, by the database's clock: seen more lately than that. */
export function seenWithinSql(table: string, limit: keyof typeof silence): string {
  return `${table}.last_seen_at > UTC_TIMESTAMP(3) - INTERVAL ${silence[limit]} SECOND`
}

type Signs = Pick<BoardServer, 'stopped' | 'silentMs' | 'draining' | 'ready'>

export function serverState(server: Signs): ServerState {
  if (server.stopped) return 'stopped'
  if (server.silentMs > silence.lost * 1000) return 'lost'
  if (server.draining) return 'draining'
  return server.ready ? 'up' : 'joining'
}

/** How a replica is, as its own row tells it. */
export type Health = {
  ready: boolean
  draining: boolean
  /** hits a second, lately */
  rate: number
  /** of page views lately, in ms; null = none */
  p50Ms: number | null
  p99Ms: number | null
  /** page views answered with an error since the start */
  errors: number
  /** the same by code */
  errorCodes: ErrorCodes
  /** dashboards connected */
  streams: number
  memoryBytes: number
}

const heartbeatSql = `UPDATE server SET last_seen_at = UTC_TIMESTAMP(3), stopped_at = NULL,
    ready_at = IF(ready_at IS NULL AND ?, UTC_TIMESTAMP(3), ready_at),
    draining = ?, rate = ?, p50_ms = ?, p99_ms = ?, errors = ?, error_codes = ?, streams = ?,
    memory_bytes = ?
  WHERE id = ? AND srv_id = ? AND gone_at IS NULL`

const updated = z.looseObject({ affectedRows: z.number() })

/**
 * Says how a replica is, and that it lives, whoever wrote that it has stopped.
 * @returns false: it has no row, or no longer, as after a restore
 * @throws when the database did not take it within `timeoutMs`
 */
export async function writeHeartbeat(
  pool: WritePool,
  server: { id: number; srv_id: string },
  health: Health,
  timeoutMs: number,
): Promise<boolean> {
  const values = [
    health.ready,
    health.draining,
    health.rate,
    health.p50Ms,
    health.p99Ms,
    health.errors,
    toColumn(health.errorCodes),
    health.streams,
    health.memoryBytes,
    server.id,
    server.srv_id,
  ]
  return updated.parse(await query(pool, heartbeatSql, values, timeoutMs)).affectedRows > 0
}

/** How many page views were answered with each error, by its code. */
type ErrorCodes = Record<string, number>

/** `overloaded:3,outcome_unknown:1`, as a server's row has it. A page view has half a dozen codes: 255 characters hold them. */
export function toColumn(codes: ErrorCodes): string {
  return Object.entries(codes)
    .map(([code, count]) => `${code}:${count}`)
    .join()
}

/** Nothing where nothing is said. */
export function fromColumn(text: string | null): ErrorCodes {
  return Object.fromEntries(
    [...(text ?? '').matchAll(/(\w+):(\d+)/g)].map(([, code = '', count]) => [code, Number(count)]),
  )
}

// A server that was not seen for ten minutes is marked as gone (`gone_at`), and its hits are added to those of its stretch
// (`past_hits`). It keeps its row and its hits: the log and the history need its name. One that wakes after that begins
// another life (web/server/db/hit-batch.ts).

/** Ids of servers that one row of `past_hits` stands for. Its `first_id` is a multiple of it. */
const serversPerStretch = 1000
/** servers marked in one transaction, at most */
const goneBatch = 500
/** Minutes without a sign after which a server is gone: many times those after which it is no longer shown. */
const goneMinutes = 10

/** All hits of servers, gone or not, within one statement. */
export const sumHitsSql = `CAST(
    (SELECT COALESCE(SUM(hits), 0) FROM past_hits) +
    (SELECT COALESCE(SUM(hits), 0) FROM server ${byGoneAt} WHERE gone_at IS NULL)
  AS UNSIGNED)`

const silentSql = `SELECT id FROM server
  WHERE gone_at IS NULL AND last_seen_at < CAST(? AS DATETIME(3)) - INTERVAL ${goneMinutes} MINUTE
  ORDER BY id LIMIT ${goneBatch}`

const ids = z.array(z.object({ id: z.number().int() }))

/**
 * Marks servers that are gone at the time `now`, those of one stretch. On a connection that no other replica's turn shares
 * (`ifAlone`). @returns how many; 0 = there is none
 */
export async function markGoneServers(connection: PoolConnection, now: Date): Promise<number> {
  const silent = ids.parse(await queryOn(connection, silentSql, [now])).map(({ id }) => id)
  const [lowest] = silent
  if (lowest === undefined) return 0
  const first = stretchOf(lowest)
  const gone = silent.filter(id => stretchOf(id) === first)
  // Asked again under the row's lock: it may have been seen meanwhile. One that never served is in no history.
  const mark = `UPDATE server SET gone_at = IF(ready_at IS NULL, '1970-01-01', last_seen_at)
    WHERE id IN (?) AND gone_at IS NULL AND last_seen_at < CAST(? AS DATETIME(3)) - INTERVAL ${goneMinutes} MINUTE`
  await queryOn(connection, `START TRANSACTION; ${mark}; ${addUpSql(first)}; COMMIT`, [gone, now])
  return gone.length
}

/** Adds the hits of some stretches up again, those that were added up longest ago: so a row that was changed is noticed. */
export async function recountPastHits(connection: PoolConnection, limit: number): Promise<void> {
  const sql = 'SELECT first_id AS id FROM past_hits ORDER BY counted_at, first_id LIMIT ?'
  for (const { id } of ids.parse(await queryOn(connection, sql, [limit])))
    await queryOn(connection, `START TRANSACTION; ${addUpSql(id)}; COMMIT`)
}

function addUpSql(first: number): string {
  const last = first + serversPerStretch - 1
  return `SET @hits = (SELECT COALESCE(SUM(hits), 0) FROM server
      WHERE id BETWEEN ${first} AND ${last} AND gone_at IS NOT NULL);
    INSERT INTO past_hits (first_id, hits, counted_at) VALUES (${first}, @hits, UTC_TIMESTAMP(3))
      ON DUPLICATE KEY UPDATE hits = @hits, counted_at = UTC_TIMESTAMP(3)`
}

const stretchOf = (id: number) => id - (id % serversPerStretch)
