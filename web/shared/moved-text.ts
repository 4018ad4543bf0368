import { type ServerSign, unknownCookieOrigin, whyNotReached } from './why-not-reached.ts'

/**
 * What a visitor is told whose cookie named another server than the one that answers, with no character that may not be
 * filled into a page. `from`: null where the cookie names no server that is known here, which anybody can write.
 */
export function movedText(from: ServerSign | null, to: string, at: string): string {
  if (!from)
    return `Your cookie named a server that is not known here. ${unknownCookieOrigin} NGINX chose ${to}, as for a new visitor.`
  return `Moved from ${from.name} to ${to}. ${whyNotReached(from, at)} Nothing was lost.`
}
