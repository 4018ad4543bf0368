import type { Arrival, LogPage, LogRow, ServerReference, ServerRow } from '../../shared/api.ts'
import { boardLogLength, logPage } from '../../shared/limits.ts'
import type { PageView } from '../../shared/page-view.ts'
import { utcTime } from '../../shared/times.ts'
import { arrivalText, unknownCookieOrigin, whyNotReached } from '../../shared/wording.ts'

/** Which rows of the log; empty = all. Names as in the page's own address. */
export type LogChoice = { srv_id: string; client_ip: string }

export const allVisits: LogChoice = { srv_id: '', client_ip: '' }

export function isAll({ srv_id, client_ip }: LogChoice): boolean {
  return srv_id === '' && client_ip === ''
}

/** The number below which an older page begins, from the page's address; null = the newest, or no number at all. */
export function placeInLog(text: string): number | null {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null
}

/** The address of the chosen rows under `path`, from below number `before` on. */
export function logUrl(path: string, choice: LogChoice, before: number | null = null): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(choice)) if (value !== '') query.set(name, value)
  if (before !== null) query.set('before', String(before))
  const text = query.toString()
  return text === '' ? path : `${path}?${text}`
}

/**
 * A full page of the log, if `steps` calls find one: each looks through a bounded stretch, and where rows are rare it
 * comes back with few. `ask` answers the rows below a number, null = from the newest on.
 */
export async function walkLog(
  ask: (before: number | null) => Promise<LogPage>,
  before: number | null,
  steps: number,
): Promise<LogPage> {
  const first = await ask(before)
  let { rows, next } = first
  for (let step = 1; step < steps && next !== null && rows.length < logPage.default; step++) {
    const page = await ask(next)
    rows = [...rows, ...page.rows]
    next = page.next
  }
  const cut = rows.slice(0, logPage.default)
  return { rows: cut, next: rows.length > logPage.default ? (cut.at(-1)?.id ?? next) : next }
}

/** A row as the page shows it. Of this visit's own, the first render can only print what it was given as texts. */
export type ShownRow = {
  /** the hit's number, digits */
  id: string
  at: string
  /** the same for the HTML, UTC */
  time: string
  client_ip: string
  srv_id: string
  server: string
  why: string
  /** null if only the text above is known */
  arrival: Arrival | null
  own: boolean
} & KnownFromLog

/** What this visit's own row has only once the log has it. */
type KnownFromLog = Partial<Omit<LogRow, 'id' | 'at' | 'client_ip' | 'srv_id' | 'server' | 'arrival'>>

export function ownRow({ visit, server }: PageView): ShownRow | null {
  if (!visit) return null
  const { hit: id, at, at_text: time, client_ip, arrival_text: why } = visit
  const place = { srv_id: server.srv_id, server: server.name }
  return { id, at, time, client_ip, ...place, why, arrival: null, own: true }
}

/**
 * For the HTML and the browser's first render: the own row first, whatever stands in the texts. `today` is any time of
 * the day whose times need not say their day.
 */
export function firstRows(own: ShownRow | null, log: LogRow[], today: string): ShownRow[] {
  return [...(own ? [own] : []), ...log.map(row => shown(row, today))].slice(0, boardLogLength)
}

/** For every render after that: newest first, each number once. */
export function orderedRows(own: ShownRow | null, log: LogRow[], today: string): ShownRow[] {
  const rows = pageRows(own, log, today)
  const all = own && !rows.some(row => row.own) ? [own, ...rows] : rows
  return all.sort((a, b) => Number(b.id) - Number(a.id)).slice(0, boardLogLength)
}

/** Rows that were asked for: as they came, the own one marked if it is among them. */
export function pageRows(own: ShownRow | null, log: LogRow[], today: string): ShownRow[] {
  return log.map(row => {
    const one = shown(row, today)
    if (one.id !== own?.id) return one
    return { ...one, ...own, arrival: one.arrival }
  })
}

/** The number below which rows older than these begin; null = there are none, since these are fewer than can be shown. */
export function olderThan(rows: ShownRow[]): number | null {
  const last = rows[boardLogLength - 1]
  return last ? Number(last.id) : null
}

function shown(row: LogRow, today: string): ShownRow {
  return { ...row, id: String(row.id), time: utcTime(row.at, today), why: arrivalText(row), own: false }
}

export type Explained = {
  /** null: only the arrival's text is known */
  arrival: Arrival | null
  moved_from?: ServerReference | null | undefined
  maybe_from?: ServerReference | undefined
  /** the server that answered */
  server: string
  at: string
}

/** Why a visit reached its server: as much as is known, and no more. `servers` are those shown now. */
export function explain(
  { arrival, moved_from, maybe_from, server, at }: Explained,
  servers: ServerRow[],
): string {
  if (arrival === 'new') return 'No cookie that names a server: NGINX chose among the available servers.'
  if (arrival === 'returning' && maybe_from?.name) {
    const earlier = maybe_from.name === server ? `an earlier start of ${server}` : maybe_from.name
    return `The cookie named the address of ${server}, which ${earlier} had shortly before. It may be from either.`
  }
  if (arrival === 'returning') return `The cookie named ${server}, and ${server} could answer.`
  if (arrival === null) return 'What the log says of this visit is being read.'
  if (!moved_from?.name) {
    return `The cookie named a server that is not known here. ${unknownCookieOrigin} NGINX chose ${server}, as for a new visitor.`
  }
  const { srv_id, name } = moved_from
  const from = servers.find(shown => shown.srv_id === srv_id && shown.name === name)
  return `The cookie named ${name}. ${whyNotReached(from, at)} NGINX chose ${server}.`
}
