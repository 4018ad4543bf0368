// What control can do to a server now, from the snapshot: the buttons of control-panel.tsx. The server decides by the same rules
// (server/lifecycle/control.ts), and knows more: what others have asked of it.

import type { ServerRow } from '../../shared/api.ts'
import { shownState } from '../../shared/shown-state.ts'

/** Whether the server takes no new visitors; also while it is silent. */
export function drains({ state }: ServerRow): boolean {
  return state === 'draining'
}

/**
 * Why a server can be neither drained nor ended now; null if it can. Visitors must have another server: a draining server counts
 * only if this server drains, too. `at`: the time of the snapshot.
 */
export function whyNot(server: ServerRow, servers: ServerRow[], at: string): string | null {
  const { id, name } = server
  const state = shownState(server, at)
  if (state !== 'up' && state !== 'draining' && state !== 'silent')
    return `${name} is ${state}: there is nothing to do here now.`
  const isLeft = servers.some(other => {
    const shown = shownState(other, at)
    return other.id !== id && (shown === 'up' || (shown === 'draining' && drains(server)))
  })
  if (isLeft) return null
  return drains(server)
    ? `${name} is the last server that answers, so it cannot be restarted or killed.`
    : `${name} is the last server that is up, so it cannot be drained, restarted or killed.`
}
