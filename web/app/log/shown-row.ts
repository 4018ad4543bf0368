import type { LogRow } from '../../answers.ts'
import type { PageView } from '../../page/page-view.ts'
import { utcTime } from '../figures/times.ts'
import { arrivalText } from './arrival-text.ts'

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
  own: boolean
}

const length = 50

export function ownRow({ visit, server }: PageView): ShownRow | null {
  if (!visit) return null
  const { hit: id, at, at_text: time, client_ip, arrival_text: why } = visit
  return { id, at, time, client_ip, srv_id: server.srv_id, server: server.name, why, own: true }
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
  const others = log.map(row => shown(row, today)).filter(({ id }) => id !== own?.id)
  const rows = own ? [own, ...others] : others
  return rows.sort((a, b) => Number(b.id) - Number(a.id)).slice(0, length)
}

function shown(row: LogRow, today: string): ShownRow {
  const { id, at, client_ip, srv_id, server, arrival, moved_from } = row
  const why = arrivalText(arrival, moved_from)
  return { id: String(id), at, time: utcTime(at, today), client_ip, srv_id, server, why, own: false }
}
