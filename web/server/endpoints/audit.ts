import { type AuditCounts, auditOf, readAudit } from '../db/audit.ts'
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
