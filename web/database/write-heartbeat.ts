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

const sql = `UPDATE server SET last_seen_at = UTC_TIMESTAMP(3),
    ready_at = IF(ready_at IS NULL AND ?, UTC_TIMESTAMP(3), ready_at),
    draining = ?, rate = ?, p50_ms = ?, p99_ms = ?, errors = ?, error_codes = ?, streams = ?,
    memory_bytes = ?
  WHERE id = ?`

/** @throws when the database did not take it within `timeoutMs` */
export async function writeHeartbeat(
  pool: WritePool,
  serverId: number,
  health: Health,
  timeoutMs: number,
): Promise<void> {
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
    serverId,
  ]
  await ask(pool, sql, values, timeoutMs)
}
