import type { Arrival, ServerReference } from '../../answers.ts'

/** Why a hit went where it did, in words. */
export function arrivalText(arrival: Arrival, movedFrom: ServerReference | null): string {
  if (arrival === 'new') return 'new visitor'
  if (arrival === 'returning') return 'came back'
  return movedFrom?.name ? `moved from ${movedFrom.name}` : 'unknown cookie'
}
