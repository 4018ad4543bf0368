import type { ReadPool } from '../db/pools.ts'
import { readLogPage } from '../db/read-log-page.ts'
import { sendJson } from '../http/answer.ts'
import { type AddressMode, showAddress } from '../http/client-address.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { parseLogSelection } from './log-selection.ts'

/** GET /api/log?before=&limit=&srv_id=&client_ip= answers a LogPage. */
export function logEndpoint({ read, addresses }: { read: ReadPool; addresses: AddressMode }): Endpoint {
  return async (_request, response, url) => {
    const { filter, ...place } = parseLogSelection(url.searchParams, addresses, { default: 50, max: 200 })
    const page = await readLogPage(read, filter, place, address => showAddress(address, addresses))
    sendJson(response, 200, page)
  }
}
