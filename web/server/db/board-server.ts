import { z } from 'zod'
import { fromColumn } from './error-codes.ts'
import { toIsoTime } from './iso-time.ts'
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
