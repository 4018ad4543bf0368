import type { VisitOutcome } from './visit-tally.ts'

export type Run = {
  /** how many in all */
  count: number
  /** how many may be under way together */
  atOnce: number
  visit(signal: AbortSignal): Promise<VisitOutcome>
  onOutcome(outcome: VisitOutcome): void
  signal: AbortSignal
}

/**
 * Visits as often as told; when aborted, those under way are given up and no more are sent. The first goes alone: a
 * visitor whose cookie has run out gets a new one with it, which the others then bring along.
 */
export async function sendVisits({ count, atOnce, visit, onOutcome, signal }: Run): Promise<void> {
  let sent = 0
  async function one(): Promise<void> {
    sent++
    onOutcome(await visit(signal))
  }
  async function lane(): Promise<void> {
    while (sent < count && !signal.aborted) await one()
  }
  if (count > 0 && !signal.aborted) await one()
  await Promise.all(Array.from({ length: atOnce }, lane))
}
