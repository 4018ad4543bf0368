// The row of a server: what a replica writes to it with each heartbeat, and the state that the board shows for it, also lost.
import { z } from 'zod'
import type { Ending, ServerRow, ServerState } from '../../shared/api.ts'
import { lostAfterSeconds } from '../../shared/limits.ts'
import type { WritePool } from './pools.ts'
import { isoTime, query } from './query.ts'

/** What a server has counted. */
type Totals = {
  hits: number
  /** `hits` by arrival */
  newHits: number
  returningHits: number
  movedHits: number
  /** transactions that counted them */
  commits: number
}

/** A server as its row describes it. */
export type BoardServer = Health & {
  id: number
  srvId: string
  name: string
  address: string
  /** of this instance alone */
  own: Totals
  /** of the earlier instances of this server, when this one registered */
  carried: Totals
  /** how the earlier instance of this server ended; null if there was none shortly before */
  earlierEnded: Ending | null
  startedAt: string
  lastSeenAt: string
  /** ms since its last heartbeat */
  silentMs: number
  stopped: boolean
}

/** Columns of a row of `server s`. id and srv_id are prefixed: the short names belong to hits. */
export const serverColumns = `s.id AS instance_id, s.srv_id AS instance_srv_id, s.name, s.address, s.started_at, s.last_seen_at,
    s.hits, s.new_hits, s.returning_hits, s.moved_hits, s.commits, s.carried_hits, s.carried_new_hits,
    s.carried_returning_hits, s.carried_moved_hits, s.carried_commits, s.earlier_ended,
    TIMESTAMPDIFF(MICROSECOND, s.last_seen_at, UTC_TIMESTAMP(3)) DIV 1000 AS silent_ms,
    s.ready_at IS NOT NULL AS ready, s.draining, s.stopped_at IS NOT NULL AS stopped,
    s.rate, s.p50_ms, s.p99_ms, s.errors, s.error_codes, s.streams, s.memory_bytes`

const flag = z.number().transform(value => value !== 0)
const count = z.number().int()
export const ending = z.enum(['killed', 'stopped'])

/** Parses a row with `serverColumns`. */
export const boardServer = z
  .object({
    instance_id: z.number().int(),
    instance_srv_id: z.string(),
    name: z.string(),
    address: z.string(),
    hits: count,
    new_hits: count,
    returning_hits: count,
    moved_hits: count,
    commits: count,
    carried_hits: count,
    carried_new_hits: count,
    carried_returning_hits: count,
    carried_moved_hits: count,
    carried_commits: count,
    earlier_ended: ending.nullable(),
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
      own: {
        hits: row.hits,
        newHits: row.new_hits,
        returningHits: row.returning_hits,
        movedHits: row.moved_hits,
        commits: row.commits,
      },
      carried: {
        hits: row.carried_hits,
        newHits: row.carried_new_hits,
        returningHits: row.carried_returning_hits,
        movedHits: row.carried_moved_hits,
        commits: row.carried_commits,
      },
      earlierEnded: row.earlier_ended,
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

/**
 * The servers as answers show them, with the totals of all their instances. `counter`: all hits ever counted.
 *
 * What an instance carries was counted by earlier instances at its address. So of several instances that are shown at one
 * address, only the first adds what it carries: no hit is in two rows.
 */
export function toServerRows(servers: BoardServer[], counter: number): ServerRow[] {
  const firstIds = new Map<string, number>()
  for (const { srvId, id } of servers) firstIds.set(srvId, Math.min(id, firstIds.get(srvId) ?? id))
  return servers.map(server => toServerRow(server, counter, firstIds.get(server.srvId) === server.id))
}

function toServerRow(server: BoardServer, counter: number, isFirst: boolean): ServerRow {
  const state = serverState(server)
  const isRunning = state !== 'lost' && state !== 'stopped'
  const { own, carried } = server
  const total = (name: keyof Totals) => own[name] + (isFirst ? carried[name] : 0)
  const hits = total('hits')
  const restart = isFirst ? server.earlierEnded : null
  return {
    id: server.id,
    srv_id: server.srvId,
    name: server.name,
    address: server.address,
    state,
    hits,
    new_hits: total('newHits'),
    returning_hits: total('returningHits'),
    moved_hits: total('movedHits'),
    commits: total('commits'),
    share: counter === 0 ? 0 : rounded(hits / counter, 6),
    // Its last reported rate is no longer true once it is gone.
    rate: isRunning ? rounded(server.rate, 2) : 0,
    started_at: server.startedAt,
    restarted_at: restart && server.startedAt,
    restart,
    last_seen_at: server.lastSeenAt,
    p50_ms: server.p50Ms && rounded(server.p50Ms, 2),
    p99_ms: server.p99Ms && rounded(server.p99Ms, 2),
    errors: server.errors,
    error_codes: server.errorCodes,
    streams: isRunning ? server.streams : 0,
    memory_bytes: server.memoryBytes,
  }
}

/** Digits that mean nothing are not sent to every dashboard four times a second: they hardly compress. */
function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals))
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

const heartbeatSql = `UPDATE server SET last_seen_at = UTC_TIMESTAMP(3), stopped_at = NULL, ended = NULL,
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
