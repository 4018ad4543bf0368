import type { Arrival, ServerReference, ServerRow } from '../../shared/api.ts'
import { unknownCookieOrigin, whyNotReached } from '../../shared/why-not-reached.ts'

export type Explained = {
  /** null: only the arrival's text is known */
  arrival: Arrival | null
  moved_from: ServerReference | null
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
