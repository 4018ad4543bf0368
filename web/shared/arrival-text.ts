import type { LogRow } from './api.ts'

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
