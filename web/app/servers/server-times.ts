import type { ServerRow } from '../../shared/api.ts'

/** How long a server has been running, ms, by the database's clock: until now, or until it was last seen. */
export function uptimeMs({ state, started_at, last_seen_at }: ServerRow, now: string): number {
  return Date.parse(isGone(state) ? last_seen_at : now) - Date.parse(started_at)
}

/** Whether it can no longer answer. */
export function isGone(state: ServerRow['state']): boolean {
  return state === 'lost' || state === 'stopped'
}
