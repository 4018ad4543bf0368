import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import type { ServerRow, ServerState } from '../../shared/api.ts'
import { lostAfterSeconds } from '../../shared/limits.ts'
import type { WritePool } from './pools.ts'
import { isoTime, query, queryOn } from './query.ts'

/** A server as its row describes it. */
export type BoardServer = Health & {
  id: number
  srvId: string
  name: string
  address: string
  hits: number
  startedAt: string
  lastSeenAt: string
  /** ms since its last heartbeat */
  silentMs: number
  stopped: boolean
}

/** Columns of a row of `server s`. id and srv_id are prefixed: the short names belong to hits. */
export const serverColumns = `s.id AS instance_id, s.srv_id AS instance_srv_id, s.name, s.address, s.hits, s.started_at, s.last_seen_at,
    TIMESTAMPDIFF(MICROSECOND, s.last_seen_at, UTC_TIMESTAMP(3)) DIV 1000 AS silent_ms,
    s.ready_at IS NOT NULL AS ready, s.draining, s.stopped_at IS NOT NULL AS stopped,
    s.rate, s.p50_ms, s.p99_ms, s.errors, s.error_codes, s.streams, s.memory_bytes`

const flag = z.number().transform(value => value !== 0)

/** Parses a row with `serverColumns`. */
export const boardServer = z
  .object({
    instance_id: z.number().int(),
    instance_srv_id: z.string(),
    name: z.string(),
    address: z.string(),
    hits: z.number().int(),
    started_at: isoTime,
    last_seen_at: isoTime,
    silent_ms: z.number(),
    ready: flag,
    draining: flag,
    stopped: flag,
    rate: z.number(),
    p50_ms: z.number().nullable(),
    p99_ms: z.number().nullable(),
    errors: z.number().int(),
    error_codes: z.string().nullable().transform(parseErrorCodes),
    streams: z.number().int(),
    memory_bytes: z.number(),
  })
  .transform(
    (row): BoardServer => ({
      id: row.instance_id,
      srvId: row.instance_srv_id,
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

/**
 * Index hint after the table `server` in a statement that filters by `gone_at`. Without it the database scans the whole table
 * if its statistics are from a time when the table was small.
 */
export const byGoneAt = 'FORCE INDEX (server_gone_at_srv_id_idx)'

/** A condition on `table`: its last heartbeat is less than `seconds` ago by the database's clock. */
export function seenWithinSql(table: string, seconds: number): string {
  return `${table}.last_seen_at > UTC_TIMESTAMP(3) - INTERVAL ${seconds} SECOND`
}

export function serverState(
  server: Pick<BoardServer, 'stopped' | 'silentMs' | 'draining' | 'ready'>,
): ServerState {
  if (server.stopped) return 'stopped'
  if (server.silentMs > lostAfterSeconds * 1000) return 'lost'
  if (server.draining) return 'draining'
  return server.ready ? 'up' : 'joining'
}

/** The server as answers show it. `counter`: all hits ever counted. */
export function toServerRow(server: BoardServer, counter: number): ServerRow {
  const state = serverState(server)
  const serving = state !== 'lost' && state !== 'stopped'
  return {
    id: server.id,
    srv_id: server.srvId,
    name: server.name,
    address: server.address,
    state,
    hits: server.hits,
    share: counter === 0 ? 0 : server.hits / counter,
    // Its last reported rate is no longer true once it is gone.
    rate: serving ? server.rate : 0,
    started_at: server.startedAt,
    last_seen_at: server.lastSeenAt,
    p50_ms: server.p50Ms,
    p99_ms: server.p99Ms,
    errors: server.errors,
    error_codes: server.errorCodes,
    streams: serving ? server.streams : 0,
    memory_bytes: server.memoryBytes,
  }
}

/** A replica's state and metrics, as it writes them to its row. */
export type Health = {
  ready: boolean
  draining: boolean
  /** hits per second over the last seconds */
  rate: number
  /** of recent page views, in ms; null if there were none */
  p50Ms: number | null
  p99Ms: number | null
  /** page views answered with an error since the start */
  errors: number
  /** `errors` by code */
  errorCodes: ErrorCodes
  /** connected dashboards */
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
 * Writes a replica's health and the time. Also removes a stop mark that another replica may have set.
 * @returns false if the replica has no row (any more), as after a restore
 * @throws if the write took longer than `timeoutMs`
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
    formatErrorCodes(health.errorCodes),
    health.streams,
    health.memoryBytes,
    server.id,
    server.srv_id,
  ]
  return updated.parse(await query(pool, heartbeatSql, values, timeoutMs)).affectedRows > 0
}

/** Page views answered with an error, by error code. */
type ErrorCodes = Record<string, number>

/** The column's format: `overloaded:3,outcome_unknown:1`. A page view has six or so codes, which fit in 255 characters. */
export function formatErrorCodes(codes: ErrorCodes): string {
  return Object.entries(codes)
    .map(([code, count]) => `${code}:${count}`)
    .join()
}

export function parseErrorCodes(text: string | null): ErrorCodes {
  return Object.fromEntries(
    [...(text ?? '').matchAll(/(\w+):(\d+)/g)].map(([, code = '', count]) => [code, Number(count)]),
  )
}

// A server without a heartbeat for ten minutes is marked as gone (`gone_at`), and its hits are added to a sum in `past_hits`.
// It keeps its row and its hits: the log and the history need its name. If it wakes later, it registers as another instance
// (web/server/lifecycle/own-row.ts).

/** Server ids that one row of `past_hits` covers. Its `first_id` is a multiple of it. */
const serversPerSum = 1000
/** maximum servers marked in one transaction */
const goneBatch = 500
/** Minutes without a heartbeat after which a server is gone: much longer than the board shows it. */
const goneMinutes = 10

/** SQL expression: the hits of all servers, gone or not. */
export const sumHitsSql = `CAST(
    (SELECT COALESCE(SUM(hits), 0) FROM past_hits) +
    (SELECT COALESCE(SUM(hits), 0) FROM server ${byGoneAt} WHERE gone_at IS NULL)
  AS UNSIGNED)`

const silentSql = `SELECT id FROM server
  WHERE gone_at IS NULL AND last_seen_at < CAST(? AS DATETIME(3)) - INTERVAL ${goneMinutes} MINUTE
  ORDER BY id LIMIT ${goneBatch}`

const ids = z.array(z.object({ id: z.number().int() }))

/**
 * Marks servers that are gone at the time `now`, all from one row of `past_hits`. Only one replica may run it at a time
 * (`ifAlone`). @returns how many; 0 if there is none
 */
export async function markGoneServers(connection: PoolConnection, now: Date): Promise<number> {
  const silent = ids.parse(await queryOn(connection, silentSql, [now])).map(({ id }) => id)
  const [lowest] = silent
  if (lowest === undefined) return 0
  const first = firstIdOf(lowest)
  const gone = silent.filter(id => firstIdOf(id) === first)
  // Checks again under the row's lock: a heartbeat may have come meanwhile. A server that was never ready is in no history.
  const mark = `UPDATE server SET gone_at = IF(ready_at IS NULL, '1970-01-01', last_seen_at)
    WHERE id IN (?) AND gone_at IS NULL AND last_seen_at < CAST(? AS DATETIME(3)) - INTERVAL ${goneMinutes} MINUTE`
  await queryOn(connection, `START TRANSACTION; ${mark}; ${sumUpSql(first)}; COMMIT`, [gone, now])
  return gone.length
}

/** Sums up `limit` rows of `past_hits` again, the oldest sums first, so that the audit notices a changed row. */
export async function recountPastHits(connection: PoolConnection, limit: number): Promise<void> {
  const sql = 'SELECT first_id AS id FROM past_hits ORDER BY counted_at, first_id LIMIT ?'
  for (const { id } of ids.parse(await queryOn(connection, sql, [limit])))
    await queryOn(connection, `START TRANSACTION; ${sumUpSql(id)}; COMMIT`)
}

function sumUpSql(first: number): string {
  const last = first + serversPerSum - 1
  return `SET @hits = (SELECT COALESCE(SUM(hits), 0) FROM server
      WHERE id BETWEEN ${first} AND ${last} AND gone_at IS NOT NULL);
    INSERT INTO past_hits (first_id, hits, counted_at) VALUES (${first}, @hits, UTC_TIMESTAMP(3))
      ON DUPLICATE KEY UPDATE hits = @hits, counted_at = UTC_TIMESTAMP(3)`
}

const firstIdOf = (serverId: number) => serverId - (serverId % serversPerSum)
