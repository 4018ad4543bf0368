import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** ms without any answer after which a part hangs for good. Longer than a busy machine, or a frozen one that wakes, needs. */
export const hungAfterMs = 25_000

/** ms between two questions, and that one may wait for its answer */
const pauseMs = 1000
const patienceMs = 3000
/** Most that one unanswered question counts for: a launcher that was suspended itself has heard nothing for that time. */
const mostPerQuestionMs = pauseMs + patienceMs + 1000

export type Asking = {
  /** whether it answers, with whatever status; default: over HTTP */
  responds?: (url: string) => Promise<boolean>
  /** a steady clock, in ms */
  now?: () => number
  pauseMs?: number
}

/**
 * Asks `url` every second. Resolves once it has given no answer for `limitMs`: what answers again in between starts at zero.
 * Rejects when `signal` is aborted.
 */
export async function untilHung(
  url: string,
  limitMs: number,
  signal: AbortSignal,
  { responds = respondsOverHttp, now = () => performance.now(), pauseMs: pause = pauseMs }: Asking = {},
): Promise<void> {
  let silentMs = 0
  let askedAt = now()
  while (silentMs < limitMs) {
    await sleep(pause, null, { signal })
    const answered = await responds(url)
    signal.throwIfAborted()
    const since = now() - askedAt
    askedAt += since
    silentMs = answered ? 0 : silentMs + Math.min(since, mostPerQuestionMs)
  }
}

/** A connection of its own: none is left for a server to wait for. */
function respondsOverHttp(url: string): Promise<boolean> {
  return new Promise(resolve => {
    const request = get(url, { agent: false, timeout: patienceMs }, response => {
      response.resume()
      resolve(true)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
