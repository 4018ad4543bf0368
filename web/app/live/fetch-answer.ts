import { isErrorAnswer, readAs } from './answer-guards.ts'
import type { Guard } from './guards.ts'

/** An answer that is not what was asked for; the message is for the reader. */
export class AnswerRefused extends Error {}

/** @throws AnswerRefused, or what `fetch` throws when there is no answer within `timeoutMs` */
export async function fetchAnswer<T>(guard: Guard<T>, url: string, timeoutMs = 10_000): Promise<T> {
  const answer = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) })
  const text = await answer.text()
  const value = answer.ok ? readAs(guard, text) : null
  if (value !== null) return value
  throw new AnswerRefused(
    readAs(isErrorAnswer, text)?.error.message ?? `No answer that can be read (${answer.status}).`,
  )
}
