import type { Audit } from '../../shared/api.ts'
import { type AuditFigures, readAudit } from '../db/audit.ts'
import type { ReadPool } from '../db/pools.ts'
import { parseParameters } from '../http/request.ts'
import { type Endpoint, sendJson } from '../http/router.ts'

/** GET /api/audit answers an Audit. One runs at a time, and all who wait get its answer. */
export function auditEndpoint({ read }: { read: ReadPool }): Endpoint {
  let underWay: Promise<AuditFigures> | null = null
  return async (_request, response, url) => {
    parseParameters(url.searchParams, {})
    underWay ??= readAudit(read).finally(() => {
      underWay = null
    })
    sendJson(response, 200, auditOf(await underWay))
  }
}

/** What the figures say of each other. Rows are counted, not taken from the numbers: so that a missing one shows. */
export function auditOf({
  counter,
  min_id,
  max_id,
  purged_through,
  row_count,
  sum_hits,
}: AuditFigures): Audit {
  // The lowest number tells what is gone; an emptied log has none, and only what retention removed may be missing.
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
