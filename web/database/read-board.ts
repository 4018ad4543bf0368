import { z } from 'zod'
import { ask } from './ask.ts'
import { fromColumn } from './error-codes.ts'
import { toIsoTime } from './iso-time.ts'
import { seenWithinSql } from './liveness.ts'
import type { ReadPool } from './pools.ts'
import type { Health } from './write-heartbeat.ts'

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

/** From one consistent read: `totalHits`, of all servers that ever were, equals `counter`. */
export type BoardReading = { counter: number; totalHits: number; at: string; servers: BoardServer[] }

// One statement has one view of the data, so the figures belong together. Shorter names first: web-2 before web-10.
// The newest life at an address stands for it;
// the left join gives a row even where no server is shown.
const sql = `SELECT c.value AS counter, UTC_TIMESTAMP(3) AS at,
    CAST((SELECT COALESCE(SUM(hits), 0) FROM server) AS UNSIGNED) AS total_hits,
    s.id, s.srv_id, s.name, s.address, s.hits, s.started_at, s.last_seen_at,
    TIMESTAMPDIFF(MICROSECOND, s.last_seen_at, UTC_TIMESTAMP(3)) DIV 1000 AS silent_ms,
    s.ready_at IS NOT NULL AS ready, s.draining, s.stopped_at IS NOT NULL AS stopped,
    s.rate, s.p50_ms, s.p99_ms, s.errors, s.error_codes, s.streams, s.memory_bytes
  FROM global_counter c
  LEFT JOIN server s ON ${seenWithinSql('s', 'forgotten')}
    AND NOT EXISTS (SELECT 1 FROM server later WHERE later.srv_id = s.srv_id AND later.id > s.id)
  WHERE c.id = 1
  ORDER BY LENGTH(s.name), s.name, s.id`

const flag = z.number().transform(value => value !== 0)
const time = z.string().transform(toIsoTime)
const figures = z.object({ counter: z.number().int(), total_hits: z.number().int(), at: time })
const serverRow = z
  .object({
    id: z.number().int(),
    srv_id: z.string(),
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
      id: row.id,
      srvId: row.srv_id,
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
const reading = z.array(z.looseObject({ id: z.number().nullable() })).min(1)

/** The counter and the servers to show. @throws when the database does not answer within `timeoutMs` */
export async function readBoard(pool: ReadPool, timeoutMs: number): Promise<BoardReading> {
  const result = await ask(pool, sql, [], timeoutMs)
  const rows = reading.parse(result)
  const { counter, total_hits: totalHits, at } = figures.parse(rows[0])
  const servers = rows.filter(row => row.id !== null).map(row => serverRow.parse(row))
  return { counter, totalHits, at, servers }
}
