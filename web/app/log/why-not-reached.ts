import type { ServerRow } from '../../answers.ts'
import { elapsed } from '../figures/durations.ts'

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
      return `${name} was lost: no sign of it for ${silent}.`
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
