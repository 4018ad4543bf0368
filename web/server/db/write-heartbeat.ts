import { z } from 'zod'
import { ask } from './ask.ts'
import { type ErrorCodes, toColumn } from './error-codes.ts'
import type { WritePool } from './pools.ts'

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

const sql = `UPDATE server SET last_seen_at = UTC_TIMESTAMP(3), stopped_at = NULL,
    ready_at = IF(ready_at IS NULL AND ?, UTC_TIMESTAMP(3), ready_at),
    draining = ?, rate = ?, p50_ms = ?, p99_ms = ?, errors = ?, error_codes = ?, streams = ?,
    memory_bytes = ?
  WHERE id = ? AND srv_id = ? AND gone_at IS NULL`

const done = z.looseObject({ affectedRows: z.number() })

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
  return done.parse(await ask(pool, sql, values, timeoutMs)).affectedRows > 0
}
