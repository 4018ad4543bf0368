import type { Arrival, LogRow, ServerReference } from '../../shared/api.ts'
import { arrivalText } from '../../shared/arrival-text.ts'
import type { PageView } from '../../shared/page-view.ts'
import { utcTime } from '../../shared/times.ts'

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
  /** null where only the text above is known */
  arrival: Arrival | null
  moved_from: ServerReference | null
  maybe_from?: ServerReference | undefined
  own: boolean
}

const length = 50

export function ownRow({ visit, server }: PageView): ShownRow | null {
  if (!visit) return null
  const { hit: id, at, at_text: time, client_ip, arrival_text: why } = visit
  const place = { srv_id: server.srv_id, server: server.name }
  return { id, at, time, client_ip, ...place, why, arrival: null, moved_from: null, own: true }
}

/**
 * For the HTML and the browser's first render: the own row first, whatever stands in the texts. `today` is any time of
 * the day whose times need not say their day.
 */
export function firstRows(own: ShownRow | null, log: LogRow[], today: string): ShownRow[] {
  return [...(own ? [own] : []), ...log.map(row => shown(row, today))].slice(0, length)
}

/** For every render after that: newest first, each number once. */
export function orderedRows(own: ShownRow | null, log: LogRow[], today: string): ShownRow[] {
  const rows = pageRows(own, log, today)
  const all = own && !rows.some(row => row.own) ? [own, ...rows] : rows
  return all.sort((a, b) => Number(b.id) - Number(a.id)).slice(0, length)
}

/** Rows that were asked for: as they came, the own one marked if it is among them. */
export function pageRows(own: ShownRow | null, log: LogRow[], today: string): ShownRow[] {
  return log.map(row => {
    const one = shown(row, today)
    if (one.id !== own?.id) return one
    const { arrival, moved_from, maybe_from } = one
    return { ...own, arrival, moved_from, maybe_from }
  })
}

/** The number below which rows older than these begin; null = there are none, since these are fewer than can be shown. */
export function olderThan(rows: ShownRow[]): number | null {
  const last = rows[length - 1]
  return last ? Number(last.id) : null
}

function shown(row: LogRow, today: string): ShownRow {
  const { id, at, client_ip, srv_id, server, arrival, moved_from, maybe_from } = row
  const why = arrivalText(row)
  const place = { client_ip, srv_id, server }
  return {
    id: String(id),
    at,
    time: utcTime(at, today),
    ...place,
    why,
    arrival,
    moved_from,
    maybe_from,
    own: false,
  }
}
