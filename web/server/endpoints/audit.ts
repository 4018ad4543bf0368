import type { Audit } from '../../shared/api.ts'
import { type AuditCounts, readAudit } from '../db/audit.ts'
import type { ReadPool } from '../db/pools.ts'
import { parseParameters } from '../http/request.ts'
import { type Endpoint, sendJson } from '../http/router.ts'

/** GET /api/audit answers an Audit. One audit runs at a time; requests that come meanwhile share its answer. */
export function auditEndpoint({ read }: { read: ReadPool }): Endpoint {
  let running: Promise<AuditCounts> | null = null
  return async (_request, response, url) => {
    parseParameters(url.searchParams, {})
    running ??= readAudit(read).finally(() => {
      running = null
    })
    sendJson(response, 200, auditOf(await running))
  }
}

/** Compares the counts. Rows are counted, not derived from the numbers, so that a missing row shows. */
export function auditOf({
  counter,
  min_id,
  max_id,
  purged_through,
  row_count,
  sum_hits,
}: AuditCounts): Audit {
  // The lowest number says how many rows are gone. An empty log has none: then only rows that retention removed may be missing.
  const purged = min_id === null ? (purged_through ?? 0) : min_id - 1
  const isNewestTheCounter = max_id === null || max_id === counter
  return {
    counter,
    max_id: max_id ?? 0,
    rows: row_count,
    purged,
    sum_hits,
    consistent: isNewestTheCounter && sum_hits === counter && row_count + purged === counter,
  }
}
