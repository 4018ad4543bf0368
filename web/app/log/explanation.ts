import type { Arrival, ServerReference, ServerRow } from '../../answers.ts'

export type Explained = {
  /** null: only the arrival's text is known */
  arrival: Arrival | null
  moved_from: ServerReference | null
  /** the server that answered */
  server: string
  at: string
}

/** Words, and times among them. */
export type Part = string | { time: string }

/** Why a visit reached its server: as much as is known, and no more. `servers` are those shown now. */
export function explain(row: Explained, servers: ServerRow[]): Part[] {
  if (row.arrival === 'new') {
    return ['No cookie that names a server: NGINX chose among the available servers.']
  }
  if (row.arrival === 'returning') return [`The cookie named ${row.server}, and ${row.server} could answer.`]
  if (row.arrival === null) return ['More is known once this visit stands in the log.']
  if (!row.moved_from?.name) {
    return ['The cookie named a server that is no longer known; NGINX chose another.']
  }
  return explainMove(row.moved_from.name, row, servers)
}

function explainMove(from: string, { moved_from, at }: Explained, servers: ServerRow[]): Part[] {
  const server = servers.find(({ srv_id, name }) => srv_id === moved_from?.srv_id && name === from)
  const silentSince = server && Date.parse(server.last_seen_at) <= Date.parse(at) ? server.last_seen_at : null
  if (silentSince && server?.state === 'lost') {
    return [
      `The cookie named ${from}; ${from} is lost since `,
      { time: silentSince },
      ', so NGINX chose another.',
    ]
  }
  if (silentSince && server?.state === 'stopped') {
    return [`The cookie named ${from}; ${from} left at `, { time: silentSince }, ', so NGINX chose another.']
  }
  return [`The cookie named ${from}, which did not answer; NGINX chose another. Why is not recorded.`]
}
