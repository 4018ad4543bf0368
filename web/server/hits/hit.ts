import { randomBytes } from 'node:crypto'
import type { Arrival } from '../../shared/api.ts'

/** A page view on its way to its number. */
export type Hit = {
  /** 32 lowercase hex digits, given by NGINX, the same over all its retries: what makes a second try the same hit */
  requestId: string
  /** normalised */
  clientIp: string
  /** the server the visitor came with; null = none, or not well-formed */
  cookieSrvId: string | null
}

/** What the commit gave a hit. */
export type Count = {
  /** the hit's number */
  id: number
  /** when it was counted, by the database's clock: ISO 8601, UTC, ms */
  at: string
}

export function arrivalOf(cookieSrvId: string | null, srvId: string): Arrival {
  if (cookieSrvId === null) return 'new'
  return cookieSrvId === srvId ? 'returning' : 'moved'
}

/** For a page view that did not come through NGINX. */
export function newRequestId(): string {
  return randomBytes(16).toString('hex')
}
