import type { LogRow } from '../../shared/api.ts'
import { ask } from './ask.ts'
import { logColumns, logTables, toLogRows } from './log-row.ts'
import type { ReadPool } from './pools.ts'

/** Which rows of the log: null = all. */
export type LogFilter = {
  srvId: string | null
  /** both ends included, as hex of the address's 4 or 16 bytes */
  clientAddresses: { from: string; to: string } | null
}

type LogStretch = {
  /** the first and last number looked at */
  from: number
  to: number
  /** rows at most */
  limit: number
}

// Both forms as bytes, in network order; the length keeps IPv4 and IPv6 apart, which sort among each other.
const fromClientsSql = `AND LENGTH(INET6_ATON(a.client_ip)) = LENGTH(UNHEX(?))
      AND INET6_ATON(a.client_ip) BETWEEN UNHEX(?) AND UNHEX(?)`

/** The rows that pass the filter, newest first. What it looks at is bounded by the stretch, not by what it finds. */
export async function readLogRows(
  read: ReadPool,
  { srvId, clientAddresses }: LogFilter,
  { from, to, limit }: LogStretch,
  showAddress: (address: string) => string,
): Promise<LogRow[]> {
  const srvIds = srvId === null ? [] : [srvId]
  const clients =
    clientAddresses === null ? [] : [clientAddresses.from, clientAddresses.from, clientAddresses.to]
  const rows = await ask(
    read,
    `SELECT ${logColumns} FROM ${logTables}
    WHERE a.id BETWEEN ? AND ?
      ${srvId === null ? '' : 'AND a.srv_id = ?'}
      ${clientAddresses === null ? '' : fromClientsSql}
    ORDER BY a.id DESC LIMIT ?`,
    [from, to, ...srvIds, ...clients, limit],
  )
  return toLogRows(rows, showAddress, (sql, values) => ask(read, sql, values))
}
