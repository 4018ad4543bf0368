import { isErrorAnswer, isVisitAnswer, readAs } from '../live/answer-guards.ts'
import type { VisitOutcome } from './visit-tally.ts'

/** A page view takes 2 s at most and is tried twice; more than that is no answer. */
const timeoutMs = 8000

/** Visits the page as a script can: with the browser's cookies, or as somebody who has none. One hit. */
export async function visitOnce(credentials: 'include' | 'omit', signal: AbortSignal): Promise<VisitOutcome> {
  try {
    const answer = await fetch('/', {
      credentials,
      cache: 'no-store',
      headers: { Accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    return outcomeOf(answer.ok, await answer.text())
  } catch {
    return { kind: 'unknown' }
  }
}

/** An error says that nothing was counted, unless it says that it does not know. */
export function outcomeOf(ok: boolean, text: string): VisitOutcome {
  const visit = ok ? readAs(isVisitAnswer, text) : null
  if (visit) return { kind: 'answered', srv_id: visit.srv_id, server: visit.server }
  const error = readAs(isErrorAnswer, text)?.error
  return { kind: !error || error.code === 'outcome_unknown' ? 'unknown' : 'failed' }
}
