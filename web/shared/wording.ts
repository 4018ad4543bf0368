import type { LogRow, ServerRow } from './api.ts'
import { lostAfterSeconds, silentAfterSeconds } from './limits.ts'
import { elapsed } from './times.ts'

/** "a, b and c" */
export function listed(parts: string[]): string {
  const rest = [...parts]
  const last = rest.pop() ?? ''
  return rest.length === 0 ? last : `${rest.join(', ')} and ${last}`
}

/** The arrival of a hit, in words. */
export function arrivalText({
  arrival,
  moved_from,
  maybe_from,
  server,
}: Pick<LogRow, 'arrival' | 'moved_from' | 'maybe_from' | 'server'>): string {
  if (arrival === 'new') return 'new visitor'
  if (arrival === 'moved') return moved_from?.name ? `moved from ${moved_from.name}` : 'unknown cookie'
  // A restarted server keeps its name: a visitor who returns to it need not tell the two instances apart.
  return maybe_from?.name && maybe_from.name !== server
    ? `came back, or from ${maybe_from.name}`
    : 'came back'
}

/**
 * Text for a visitor whose cookie named another server than the one that answers. It contains only characters that may
 * be filled into a page (web/server/render/template.ts). `from`: null if the cookie names no server known here; anyone
 * can write a cookie.
 */
export function movedText(from: ServerStatus | null, to: string, at: string): string {
  if (!from)
    return `Your cookie named a server that is not known here. ${unknownCookieOrigin} NGINX chose ${to}, as for a new visitor.`
  const cause = causeOfMove(from, at)
  return cause === null
    ? `${from.name} did not take your visit, so NGINX sent you to ${to}. Your visit was counted. ${whyNotReached(from, at)}`
    : `${cause}, so NGINX sent you to ${to}. Your visit was counted.`
}

/** What became of the server that a cookie named; null if the heartbeats do not say. Its times are before the visit, `at`. */
function causeOfMove({ name, state, started_at, last_seen_at }: ServerStatus, at: string): string | null {
  const startedAfterMs = Date.parse(started_at) - Date.parse(at)
  if (startedAfterMs > 0 && startedAfterMs < restartWithinMs)
    return `${name} did not answer and was restarted ${elapsed(startedAfterMs)} later`
  const silentMs = Date.parse(at) - Date.parse(last_seen_at)
  if (silentMs < 0) return null
  switch (state) {
    case 'stopped':
      return `${name} had stopped`
    case 'draining':
      // Draining alone moves no visitor.
      return `${name} was draining and did not take your visit`
    case 'joining':
      return `${name} was restarting`
    case 'lost':
      return `${name} went silent ${elapsed(silentMs)} before`
    case 'up':
      return silentMs < silentAfterSeconds * 1000 ? null : `${name} went silent ${elapsed(silentMs)} before`
  }
}

type ServerStatus = Pick<ServerRow, 'name' | 'state' | 'started_at' | 'last_seen_at'>

/** ms. An instance that starts this soon after a visit is the restart of the instance that did not take it. */
const restartWithinMs = 60_000

/** A possible origin of a cookie that names no server of this board. */
export const unknownCookieOrigin =
  'Another board on this host may have set it: cookies are shared by all ports.'

export const notRecorded = 'Why it did not take the visit is not recorded.'

/**
 * Why NGINX did not follow a cookie that named this server, as far as known: only a heartbeat from before the visit says
 * something about it. `at`: when the visit was counted. The words may be filled into a page (web/server/render/template.ts).
 */
export function whyNotReached(server: ServerStatus | undefined, at: string): string {
  if (!server) return notRecorded
  const { name, state, started_at, last_seen_at } = server
  const startedAfterMs = Date.parse(started_at) - Date.parse(at)
  if (startedAfterMs > 0 && startedAfterMs < restartWithinMs)
    return `${name} was restarted ${elapsed(startedAfterMs)} after the visit.`
  const silentMs = Date.parse(at) - Date.parse(last_seen_at)
  if (silentMs < 0) return notRecorded
  const silent = elapsed(silentMs)
  switch (state) {
    case 'lost':
      // At the visit it had been silent for a moment only, but no heartbeat followed.
      return silentMs < lostAfterSeconds * 1000
        ? `${name} is lost: its last heartbeat came ${silent} before the visit.`
        : `${name} was lost: no heartbeat for ${silent}.`
    case 'stopped':
      return `${name} had stopped.`
    case 'draining':
      return `${name} was draining.`
    case 'joining':
      return `${name} was restarting.`
    case 'up':
      return `${name} was up at its last heartbeat, ${silent} before. ${notRecorded}`
  }
}
