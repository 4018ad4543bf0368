import type { LogRow, ServerRow } from './api.ts'
import { elapsed } from './times.ts'

/** Why a hit went where it did, in words. */
export function arrivalText({
  arrival,
  moved_from,
  maybe_from,
  server,
}: Pick<LogRow, 'arrival' | 'moved_from' | 'maybe_from' | 'server'>): string {
  if (arrival === 'new') return 'new visitor'
  if (arrival === 'moved') return moved_from?.name ? `moved from ${moved_from.name}` : 'unknown cookie'
  // One that was started again has its name: who comes back to it need not tell the two apart.
  return maybe_from?.name && maybe_from.name !== server
    ? `came back, or from ${maybe_from.name}`
    : 'came back'
}

/**
 * What a visitor is told whose cookie named another server than the one that answers, with no character that may not be
 * filled into a page. `from`: null where the cookie names no server that is known here, which anybody can write.
 */
export function movedText(from: ServerSign | null, to: string, at: string): string {
  if (!from)
    return `Your cookie named a server that is not known here. ${unknownCookieOrigin} NGINX chose ${to}, as for a new visitor.`
  return `Moved from ${from.name} to ${to}. ${whyNotReached(from, at)} Nothing was lost.`
}

/** A server that is silent for longer is lost: see web/server/db/server-row.ts. */
const lostAfterMs = 6000

/** What a server's row says of it. */
type ServerSign = Pick<ServerRow, 'name' | 'state' | 'started_at' | 'last_seen_at'>

/** A life that begins so soon after a visit follows the one that was not reached. */
const nextLifeMs = 60_000

/** Where a cookie may come from that names no server of this board. */
export const unknownCookieOrigin =
  'Another board on this host, at another port, may have set it: cookies know no ports.'

export const notRecorded = 'Why it was not reached is not recorded.'

/**
 * Why NGINX did not follow a cookie that named this server, as far as it is known: only a last sign from before the
 * visit tells of it. The words may be filled into a page, see web/server/render/template.ts. `at`: when the visit was counted.
 */
export function whyNotReached(server: ServerSign | undefined, at: string): string {
  if (!server) return notRecorded
  const { name, state, started_at, last_seen_at } = server
  const beganAfterMs = Date.parse(started_at) - Date.parse(at)
  if (beganAfterMs > 0 && beganAfterMs < nextLifeMs)
    return `${name} was started anew ${elapsed(beganAfterMs)} after the visit.`
  const silentMs = Date.parse(at) - Date.parse(last_seen_at)
  if (silentMs < 0) return notRecorded
  const silent = elapsed(silentMs)
  switch (state) {
    case 'lost':
      // Silent for a moment only by then; but it gave no other sign.
      return silentMs < lostAfterMs
        ? `${name} is lost: its last sign came ${silent} before the visit.`
        : `${name} was lost: no sign of it for ${silent}.`
    case 'stopped':
      return `${name} had stopped.`
    case 'draining':
      return `${name} was draining.`
    case 'joining':
      return `${name} was starting anew.`
    case 'up':
      return `${name} was up at its last sign, ${silent} before. ${notRecorded}`
  }
}
