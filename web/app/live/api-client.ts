import { isErrorAnswer, isSnapshot, type Snapshot } from '../../shared/api.ts'
import { type Guard, readAs } from '../../shared/guards.ts'

/** An unusable answer; the reader sees the message. */
class AnswerRefused extends Error {}

/** @throws AnswerRefused, or what `fetch` throws if there is no answer within `timeoutMs` */
export async function fetchAnswer<T>(guard: Guard<T>, url: string, timeoutMs = 10_000): Promise<T> {
  const answer = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) })
  const text = await answer.text()
  const value = answer.ok ? readAs(guard, text) : null
  if (value !== null) return value
  throw new AnswerRefused(
    readAs(isErrorAnswer, text)?.error.message ?? `No answer that can be read (${answer.status}).`,
  )
}

/** @throws as fetchAnswer, after 4 s */
export function fetchSnapshot(): Promise<Snapshot> {
  return fetchAnswer(isSnapshot, '/api/snapshot', 4000)
}
