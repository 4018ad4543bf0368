import { z } from 'zod'
import type { LogFilter } from '../db/read-log-rows.ts'
import { addressRange } from '../http/address-range.ts'
import type { AddressMode } from '../http/client-address.ts'
import { parseParameters, positiveInteger } from '../http/parameters.ts'

/** What a request asks of the log. */
export type LogSelection = { filter: LogFilter; before: number; limit: number }

const srvId = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lowercase hex digits, as in the cookie')

/** @throws BadParameter */
export function parseLogSelection(
  query: URLSearchParams,
  addresses: AddressMode,
  limit: { default: number; max: number },
): LogSelection {
  const parameters = parseParameters(query, {
    before: positiveInteger().default(Number.MAX_SAFE_INTEGER),
    limit: positiveInteger(limit.max).default(limit.default),
    srv_id: srvId.optional(),
    client_ip: z.string().optional(),
  })
  const { client_ip } = parameters
  return {
    filter: {
      srvId: parameters.srv_id ?? null,
      clientAddresses: client_ip === undefined ? null : addressRange(client_ip, addresses),
    },
    before: parameters.before,
    limit: parameters.limit,
  }
}
