import { z } from 'zod'
import type { LogPage, LogRow } from '../../shared/api.ts'
import { logScanMax } from '../../shared/limits.ts'
import { arrivalOf } from '../hits/hit.ts'
import type { ReadPool } from './pools.ts'
import { isoTime, query } from './query.ts'

type PagePlace = {
  /** rows with numbers below this */
  before: number
  /** maximum rows. A shorter or empty page is not the log's end: only `next` says that. */
  limit: number
}

/** One page of the log, newest first. `showAddress` formats client addresses. */
export async function readLogPage(
  read: ReadPool,
  filter: LogFilter,
  { before, limit }: PagePlace,
  showAddress: (address: string) => string,
): Promise<LogPage> {
  const ends = await readLogEnds(read, before)
  // Jump to the server's newest hit: a server that left long ago would otherwise cost a scan of all later rows.
  const newest = filter.srvId === null ? ends.newest : await readNewestOfServer(read, filter.srvId, before)
  if (ends.oldest === null || newest === null) return { rows: [], next: null }

  const from = Math.max(ends.oldest, newest - logScanMax + 1)
  const found = await readLogRows(read, filter, { from, to: newest, limit: limit + 1 }, showAddress)
  const rows = found.slice(0, limit)
  if (found.length > limit) return { rows, next: rows.at(-1)?.id ?? null }
  return { rows, next: from > ends.oldest ? from : null }
}

/** Which rows of the log to read; null means all. */
export type LogFilter = {
  srvId: string | null
  /** both ends included, each as hex of the address's 4 or 16 bytes */
  clientAddresses: { from: string; to: string } | null
}

type ScanRange = {
  /** first and last number scanned */
  from: number
  to: number
  /** maximum rows */
  limit: number
}

// Compares addresses as bytes in network order. The length keeps IPv4 and IPv6 apart: their bytes sort among each other.
const fromClientsSql = `AND LENGTH(INET6_ATON(a.client_ip)) = LENGTH(UNHEX(?))
      AND INET6_ATON(a.client_ip) BETWEEN UNHEX(?) AND UNHEX(?)`

/** Rows that match the filter, newest first. The range limits the cost, not the number of matches. */
async function readLogRows(
  read: ReadPool,
  { srvId, clientAddresses }: LogFilter,
  { from, to, limit }: ScanRange,
  showAddress: (address: string) => string,
): Promise<LogRow[]> {
  const srvIds = srvId === null ? [] : [srvId]
  const clients =
    clientAddresses === null ? [] : [clientAddresses.from, clientAddresses.from, clientAddresses.to]
  const rows = await query(
    read,
    `SELECT ${logColumns} FROM ${logTables}
    WHERE a.id BETWEEN ? AND ?
      ${srvId === null ? '' : 'AND a.srv_id = ?'}
      ${clientAddresses === null ? '' : fromClientsSql}
    ORDER BY a.id DESC LIMIT ?`,
    [from, to, ...srvIds, ...clients, limit],
  )
  return toLogRows(rows, showAddress, (sql, values) => query(read, sql, values))
}

const endsSql = `SELECT
  (SELECT MIN(id) FROM access_log) AS oldest,
  (SELECT MAX(id) FROM access_log WHERE id < ?) AS newest`

const ends = z.tuple([z.object({ oldest: z.number().int().nullable(), newest: z.number().int().nullable() })])

/** The oldest number in the log and the newest below `before`; null if there is none. Two index look-ups. */
async function readLogEnds(read: ReadPool, before: number) {
  const rows = await query(read, endsSql, [before])
  const [found] = ends.parse(rows)
  return found
}

const newestOfServerSql = 'SELECT MAX(id) AS id FROM access_log WHERE srv_id = ? AND id < ?'

const newest = z.tuple([z.object({ id: z.number().int().nullable() })])

/** The newest hit below `before` that any instance at this address answered; null if none. One index look-up. */
async function readNewestOfServer(read: ReadPool, srvId: string, before: number): Promise<number | null> {
  const [{ id }] = newest.parse(await query(read, newestOfServerSql, [srvId, before]))
  return id
}

/** Log rows first, then the instance of each. The other way round, reading the newest few would sort all rows. */
export const logTables = 'access_log a STRAIGHT_JOIN server s ON s.id = a.server_id'

export const logColumns = `a.id, a.created_at, a.client_ip, a.srv_id, s.name AS server_name, a.cookie_srv_id,
  CASE WHEN a.cookie_srv_id = a.srv_id AND a.created_at < s.earlier_until THEN s.earlier_name END AS maybe_from_name`

const joinedRow = z.object({
  id: z.number().int(),
  created_at: z.string(),
  client_ip: z.string(),
  srv_id: z.string(),
  server_name: z.string(),
  cookie_srv_id: z.string().nullable(),
  maybe_from_name: z.string().nullable(),
})

/** The srv_id in a moved visitor's cookie and the time of the hit, in the database's format. */
type MovedFrom = { cookie_srv_id: string; created_at: string }

/**
 * The name of the server that a visitor moved from: the last instance at that address that had started before the hit. A
 * new instance at an address keeps the srv_id but may have another name. The values are literals in the statement, not rows
 * of a join: only then is each name one index look-up, however many instances started later.
 */
const nameSql = `SELECT (
    SELECT name FROM server FORCE INDEX (server_srv_id_started_at_idx)
    WHERE srv_id = ? AND started_at <= ? ORDER BY started_at DESC, id DESC LIMIT 1
  ) AS name`

/** Names looked up in one statement: 200 take a few ms. */
const namesPerStatement = 200

const names = z.array(z.object({ name: z.string().nullable() }))

/** Runs a statement on the database that the rows came from. */
type RunQuery = (sql: string, values: unknown[]) => Promise<unknown>

/**
 * Converts rows with `logColumns` of `logTables`, keeping their order. Moved visitors cost one more statement.
 * `showAddress` formats client addresses (web/server/http/client-address.ts). @throws what `run` throws
 */
export async function toLogRows(
  rows: unknown,
  showAddress: (address: string) => string,
  run: RunQuery,
): Promise<LogRow[]> {
  const joined = z.array(joinedRow).parse(rows)
  const nameOf = await readNames(joined.filter(isMoved), run)
  return joined.map(row => ({
    id: row.id,
    at: isoTime.parse(row.created_at),
    client_ip: showAddress(row.client_ip),
    srv_id: row.srv_id,
    server: row.server_name,
    arrival: arrivalOf(row.cookie_srv_id, row.srv_id),
    moved_from: isMoved(row) ? { srv_id: row.cookie_srv_id, name: nameOf(row) } : null,
    ...(row.maybe_from_name !== null && { maybe_from: { srv_id: row.srv_id, name: row.maybe_from_name } }),
  }))
}

type Joined = z.infer<typeof joinedRow>

const isMoved = (row: Joined): row is Joined & MovedFrom =>
  row.cookie_srv_id !== null && row.cookie_srv_id !== row.srv_id

/** The server's name for each address and time; null if no instance had started there. */
async function readNames(moved: MovedFrom[], run: RunQuery): Promise<(from: MovedFrom) => string | null> {
  const keyOf = ({ cookie_srv_id, created_at }: MovedFrom) => `${cookie_srv_id} ${created_at}`
  const wanted = [...new Map(moved.map(from => [keyOf(from), from])).values()]
  const found = new Map<string, string | null>()
  for (let start = 0; start < wanted.length; start += namesPerStatement) {
    const part = wanted.slice(start, start + namesPerStatement)
    const sql = part.map(() => nameSql).join(' UNION ALL ')
    const values = part.flatMap(({ cookie_srv_id, created_at }) => [cookie_srv_id, created_at])
    const rows = names.parse(await run(sql, values))
    for (const [index, from] of part.entries()) found.set(keyOf(from), rows[index]?.name ?? null)
  }
  return from => found.get(keyOf(from)) ?? null
}
