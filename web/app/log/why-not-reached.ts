import type { ServerRow } from '../../answers.ts'
import { elapsed } from '../figures/durations.ts'

/** A server that is silent for longer is lost: see web/database/liveness.ts. */
const lostAfterMs = 6000

/** What a server's row says of it. */
export type ServerSign = Pick<ServerRow, 'name' | 'state' | 'last_seen_at'>

/**
 * Why NGINX did not follow a cookie that named this server, as far as it is known: only a last sign from before the
 * visit tells of it. The words may be filled into a page, see web/page/template.ts. `at`: when the visit was counted.
 */
export function whyNotReached(server: ServerSign | undefined, at: string): string {
  const silentMs = server ? Date.parse(at) - Date.parse(server.last_seen_at) : -1
  if (!server || silentMs < 0) return 'Why it was not reached is not recorded.'
  const { name, state } = server
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
      return `${name} was up at its last sign, ${silent} before. Why it was not reached is not recorded.`
  }
}
