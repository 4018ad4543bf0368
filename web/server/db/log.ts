import { z } from 'zod'
import type { LogPage, LogRow } from '../../shared/api.ts'
import { arrivalOf } from '../hits/hit.ts'
import { type ReadPool, toIsoTime } from './pools.ts'
import { query } from './query.ts'

/** How many numbers one page looks at, whatever it finds. */
const scanned = 5000

type PagePlace = {
  /** rows below this number */
  before: number
  /** rows at most; fewer, or none, is not the log's end: `next` says that */
  limit: number
}

/** One page of the log, newest first. `showAddress` says how an address is shown. */
export async function readLogPage(
  read: ReadPool,
  filter: LogFilter,
  { before, limit }: PagePlace,
  showAddress: (address: string) => string,
): Promise<LogPage> {
  const ends = await readLogEnds(read, before)
  // So that a server that left long ago is found at once, not after a walk through all that came since.
  const newest = filter.srvId === null ? ends.newest : await readNewestOfServer(read, filter.srvId, before)
  if (ends.oldest === null || newest === null) return { rows: [], next: null }

  const from = Math.max(ends.oldest, newest - scanned + 1)
  const found = await readLogRows(read, filter, { from, to: newest, limit: limit + 1 }, showAddress)
  const rows = found.slice(0, limit)
  if (found.length > limit) return { rows, next: rows.at(-1)?.id ?? null }
  return { rows, next: from > ends.oldest ? from : null }
}

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
async function readLogRows(
  read: ReadPool,
  { srvId, clientAddresses }: LogFilter,
  { from, to, limit }: LogStretch,
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

/** The oldest number in the log and the newest below `before`; null = there is none. Two looks into an index. */
async function readLogEnds(read: ReadPool, before: number) {
  const rows = await query(read, endsSql, [before])
  const [found] = ends.parse(rows)
  return found
}

const newestOfServerSql = 'SELECT MAX(id) AS id FROM access_log WHERE srv_id = ? AND id < ?'

const newest = z.tuple([z.object({ id: z.number().int().nullable() })])

/** The newest hit below `before` that a server answered, in any of its lives; null = there is none. One look into an index. */
async function readNewestOfServer(read: ReadPool, srvId: string, before: number): Promise<number | null> {
  const [{ id }] = newest.parse(await query(read, newestOfServerSql, [srvId, before]))
  return id
}

/** Rows of the log first, then the life each names: the other way round the newest few would need a sort of them all. */
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

/** An address that a visitor had a cookie of, when the visitor moved from there, as the database writes times. */
type MovedFrom = { cookie_srv_id: string; created_at: string }

/**
 * An address used again inherits the srv_id but not the name. So the name a visitor moved from is that of the last life
 * that had begun when the hit came. The values stand in the statement, and not in the rows of a join: only then is a name
 * one look into this index, however many lives began later.
 */
const nameSql = `SELECT (
    SELECT name FROM server FORCE INDEX (server_srv_id_started_at_idx)
    WHERE srv_id = ? AND started_at <= ? ORDER BY started_at DESC, id DESC LIMIT 1
  ) AS name`

/** Names in one statement: 200 take a few ms. */
const namesAtOnce = 200

const names = z.array(z.object({ name: z.string().nullable() }))

/** Sends a statement to the database that the rows came from. */
type Ask = (sql: string, values: unknown[]) => Promise<unknown>

/**
 * The log's rows from those with `logColumns` of `logTables`, in their order. Rows of moved visitors cost one statement more.
 * `showAddress` says how an address is shown (web/server/http/client-address.ts). @throws what `ask` throws
 */
export async function toLogRows(
  rows: unknown,
  showAddress: (address: string) => string,
  ask: Ask,
): Promise<LogRow[]> {
  const joined = z.array(joinedRow).parse(rows)
  const nameOf = await readNames(joined.filter(isMoved), ask)
  return joined.map(row => ({
    id: row.id,
    at: toIsoTime(row.created_at),
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

/** What each address was called at each time: null = no life had begun there. */
async function readNames(moved: MovedFrom[], ask: Ask): Promise<(from: MovedFrom) => string | null> {
  const keyOf = ({ cookie_srv_id, created_at }: MovedFrom) => `${cookie_srv_id} ${created_at}`
  const wanted = [...new Map(moved.map(from => [keyOf(from), from])).values()]
  const found = new Map<string, string | null>()
  for (let start = 0; start < wanted.length; start += namesAtOnce) {
    const part = wanted.slice(start, start + namesAtOnce)
    const sql = part.map(() => nameSql).join(' UNION ALL ')
    const values = part.flatMap(({ cookie_srv_id, created_at }) => [cookie_srv_id, created_at])
    const rows = names.parse(await ask(sql, values))
    for (const [index, from] of part.entries()) found.set(keyOf(from), rows[index]?.name ?? null)
  }
  return from => found.get(keyOf(from)) ?? null
}
