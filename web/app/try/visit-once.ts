import { isErrorAnswer, isVisitAnswer, readAs } from '../live/answer-guards.ts'
import type { VisitOutcome } from './visit-tally.ts'

/** A page view takes 2 s at most and is tried twice; more than that is no answer. */
const timeoutMs = 8000

/** Of a replica whose commit was under way, and of NGINX where a replica took the visit and did not answer. */
const inDoubtCodes = ['outcome_unknown', 'no_answer']

/** Visits the page as a script can: with the browser's cookies, or as somebody who has none. One hit. */
export async function visitOnce(credentials: 'include' | 'omit', signal: AbortSignal): Promise<VisitOutcome> {
  try {
    const answer = await fetch('/', {
      credentials,
      cache: 'no-store',
      headers: { Accept: 'application/json' },
      signal: endsWith(signal, timeoutMs),
    })
    const earlierTry = answer.headers.get('X-Earlier-Try')
    return outcomeOf(answer.ok, await answer.text(), earlierTry !== null)
  } catch {
    return { kind: 'unknown' }
  }
}

/** A signal that follows `signal`, or says that the time is up. `AbortSignal.any` is missing in browsers of 2023. */
function endsWith(signal: AbortSignal, timeout: number): AbortSignal {
  const either = new AbortController()
  for (const source of [signal, AbortSignal.timeout(timeout)]) {
    if (source.aborted) either.abort(source.reason)
    source.addEventListener('abort', () => either.abort(source.reason), { signal: either.signal })
  }
  return either.signal
}

/**
 * An error says that nothing was counted, unless it says that it does not know. `earlierTry`: another server was asked before
 * the one that says so, and did not answer.
 */
export function outcomeOf(ok: boolean, text: string, earlierTry = false): VisitOutcome {
  const visit = ok ? readAs(isVisitAnswer, text) : null
  if (visit) return { kind: 'answered', srv_id: visit.srv_id, server: visit.server }
  const error = readAs(isErrorAnswer, text)?.error
  const isCertain = error && !earlierTry && !inDoubtCodes.includes(error.code)
  return { kind: isCertain ? 'failed' : 'unknown' }
}
