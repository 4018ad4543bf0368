import { isErrorAnswer, isSnapshot, type Snapshot } from '../../shared/api.ts'
import { type Guard, readAs } from '../../shared/guards.ts'

/** An unusable answer; the reader sees the message. `code`: of an error answer; else empty. */
export class AnswerRefused extends Error {
  readonly code: string

  constructor(message: string, code: string) {
    super(message)
    this.code = code
  }
}

/** @throws AnswerRefused, or what `fetch` throws if there is no answer within `timeoutMs` */
export async function fetchAnswer<T>(
  guard: Guard<T>,
  url: string,
  timeoutMs = 10_000,
  init: RequestInit = {},
): Promise<T> {
  const answer = await fetch(url, { ...init, cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) })
  const text = await answer.text()
  const value = answer.ok ? readAs(guard, text) : null
  if (value !== null) return value
  const { message, code } = readAs(isErrorAnswer, text)?.error ?? {
    message: `No answer that can be read (${answer.status}).`,
    code: '',
  }
  throw new AnswerRefused(message, code)
}

/** `database away`: a server answers, but its database does not. @throws as fetchAnswer, after 4 s */
export async function fetchSnapshot(): Promise<Snapshot | 'database away'> {
  try {
    return await fetchAnswer(isSnapshot, '/api/snapshot', 4000)
  } catch (error) {
    if (error instanceof AnswerRefused && error.code === 'database_unavailable') return 'database away'
    throw error
  }
}
