import type { ServerRow, ServerState } from './api.ts'
import { silentAfterSeconds } from './limits.ts'
import { elapsed } from './times.ts'

/** A server's state as the page shows it. silent: it serves, but no heartbeat came for 3 s. After 6 s it is lost. */
export type ShownState = ServerState | 'silent'

type LastHeartbeat = Pick<ServerRow, 'state' | 'last_seen_at'>

/** `at`: the time of the snapshot that the server is from, by the same clock as its heartbeat. */
export function shownState(server: LastHeartbeat, at: string): ShownState {
  const { state } = server
  if (state === 'lost' || state === 'stopped') return state
  return silenceMs(server, at) >= silentAfterSeconds * 1000 ? 'silent' : state
}

/** ms since the last heartbeat; never less than 0. */
export function silenceMs({ last_seen_at }: LastHeartbeat, at: string): number {
  return Math.max(0, Date.parse(at) - Date.parse(last_seen_at))
}

/** The state in words: "up", "silent for 4 s", "lost". `current`: false while nothing is known of this moment: then "was up". */
export function stateText(server: LastHeartbeat, at: string, current = true): string {
  const state = shownState(server, at)
  if (!current) return `was ${state}`
  return state === 'silent' ? `silent for ${elapsed(silenceMs(server, at))}` : state
}

/** Whether a server in this state takes visits, as far as is known. */
export function isServing(state: ShownState): boolean {
  return state === 'up' || state === 'joining' || state === 'draining'
}

/**
 * Hits per second; null if nothing is known of this moment: the server sends no heartbeat, or the whole board is not current.
 * `current`: false while the database or no server answers.
 */
export function shownRate(
  server: LastHeartbeat & Pick<ServerRow, 'rate'>,
  at: string,
  current: boolean,
): number | null {
  return current && isServing(shownState(server, at)) ? server.rate : null
}
