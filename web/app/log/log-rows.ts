import type { Arrival, LogPage, LogRow, ServerReference, ServerRow } from '../../shared/api.ts'
import { boardLogLength, logPage } from '../../shared/limits.ts'
import type { PageView } from '../../shared/page-view.ts'
import { utcTime } from '../../shared/times.ts'
import { arrivalText, unknownCookieOrigin, whyNotReached } from '../../shared/wording.ts'

/** The filter; empty = all rows. Names as in the page's address. */
export type LogFilter = { srv_id: string; client_ip: string }

export const noFilter: LogFilter = { srv_id: '', client_ip: '' }

export function isUnfiltered({ srv_id, client_ip }: LogFilter): boolean {
  return srv_id === '' && client_ip === ''
}

/** The number in the page's address that an older page is below; null = the newest page, or not a number. */
export function placeInLog(text: string): number | null {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null
}

/** The URL of the filtered rows under `path`, below the number `before`. */
export function logUrl(path: string, filter: LogFilter, before: number | null = null): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filter)) if (value !== '') query.set(name, value)
  if (before !== null) query.set('before', String(before))
  const text = query.toString()
  return text === '' ? path : `${path}?${text}`
}

/**
 * Reads one page of the log in at most `steps` calls. One call searches a limited part of the log, and finds few rows if
 * matches are rare. `fetchRows` reads the rows below a number; null = from the newest.
 */
export async function walkLog(
  fetchRows: (before: number | null) => Promise<LogPage>,
  before: number | null,
  steps: number,
): Promise<LogPage> {
  const first = await fetchRows(before)
  let { rows, next } = first
  for (let step = 1; step < steps && next !== null && rows.length < logPage.default; step++) {
    const page = await fetchRows(next)
    rows = [...rows, ...page.rows]
    next = page.next
  }
  const cut = rows.slice(0, logPage.default)
  return { rows: cut, next: rows.length > logPage.default ? (cut.at(-1)?.id ?? next) : next }
}

/** A row as the page shows it. The first render knows this visit's own row only as texts. */
export type ShownRow = {
  /** the hit's number, in digits */
  id: string
  at: string
  /** `at` for the HTML, in UTC */
  time: string
  client_ip: string
  srv_id: string
  server: string
  why: string
  /** null if only `why` is known */
  arrival: Arrival | null
  own: boolean
} & KnownFromLog

/** Facts of this visit's own row that are missing until the log has it. */
type KnownFromLog = Partial<Omit<LogRow, 'id' | 'at' | 'client_ip' | 'srv_id' | 'server' | 'arrival'>>

export function ownRow({ visit, server }: PageView): ShownRow | null {
  if (!visit) return null
  const { hit: id, at, at_text: time, client_ip, arrival_text: why } = visit
  const place = { srv_id: server.srv_id, server: server.name }
  return { id, at, time, client_ip, ...place, why, arrival: null, own: true }
}

/**
 * For the HTML and the browser's first render: the own row first, as its texts may still be tokens. `today`: any time today,
 * so that times of today omit the date.
 */
export function firstRows(own: ShownRow | null, log: LogRow[], today: string): ShownRow[] {
  return [...(own ? [own] : []), ...log.map(row => toShownRow(row, today))].slice(0, boardLogLength)
}

/** For every later render: newest first, each number once. */
export function orderedRows(own: ShownRow | null, log: LogRow[], today: string): ShownRow[] {
  const rows = pageRows(own, log, today)
  const all = own && !rows.some(row => row.own) ? [own, ...rows] : rows
  return all.sort((a, b) => Number(b.id) - Number(a.id)).slice(0, boardLogLength)
}

/** Fetched rows in their order; the own row is marked if it is among them. */
export function pageRows(own: ShownRow | null, log: LogRow[], today: string): ShownRow[] {
  return log.map(row => {
    const shown = toShownRow(row, today)
    return shown.id === own?.id ? { ...shown, ...own, arrival: shown.arrival } : shown
  })
}

/** Rows older than these are below this number; null = there are none, as these do not fill the list. */
export function olderThan(rows: ShownRow[]): number | null {
  const last = rows[boardLogLength - 1]
  return last ? Number(last.id) : null
}

function toShownRow(row: LogRow, today: string): ShownRow {
  return { ...row, id: String(row.id), time: utcTime(row.at, today), why: arrivalText(row), own: false }
}

export type ArrivalFacts = {
  /** null: not read from the log yet */
  arrival: Arrival | null
  moved_from?: ServerReference | null | undefined
  maybe_from?: ServerReference | undefined
  /** the server that answered */
  server: string
  at: string
}

/** Explains why a visit reached its server, as far as known. `servers`: those shown now. */
export function explain(
  { arrival, moved_from, maybe_from, server, at }: ArrivalFacts,
  servers: ServerRow[],
): string {
  if (arrival === 'new') return 'No cookie, so NGINX chose the least busy server.'
  if (arrival === 'returning' && maybe_from?.name) {
    const earlier = maybe_from.name === server ? `an earlier instance of ${server}` : maybe_from.name
    return `The cookie named the address of ${server}, which ${earlier} had shortly before. It may be from either.`
  }
  if (arrival === 'returning') return `The cookie named ${server}, and ${server} could answer.`
  if (arrival === null) return 'Loading this visit from the log.'
  if (!moved_from?.name) {
    return `The cookie named a server that is not known here. ${unknownCookieOrigin} NGINX chose ${server}, as for a new visitor.`
  }
  const { srv_id, name } = moved_from
  const from = servers.find(shown => shown.srv_id === srv_id && shown.name === name)
  return `The cookie named ${name}. ${whyNotReached(from, at)} NGINX chose ${server}.`
}
