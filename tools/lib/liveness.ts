import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** ms without any answer after which a part hangs for good. Longer than a busy machine, or a frozen one that wakes, needs. */
export const hungAfterMs = 25_000

/** ms between two questions, and that one may wait for its answer */
const pauseMs = 1000
const patienceMs = 3000
/** Most that one unanswered question counts for: a launcher that was suspended itself has heard nothing for that time. */
const mostPerQuestionMs = pauseMs + patienceMs + 1000

type Asking = {
  /** whether it answers, with whatever status; default: over HTTP */
  responds?: (url: string) => Promise<boolean>
  /** a steady clock, in ms */
  now?: () => number
  pauseMs?: number
}

/** Ticks while `url` is asked: with fewer than half of those that are due, this process itself had no time to hear an answer. */
const tickMs = 50

/**
 * Asks `url` every second. Resolves once it has given no answer for `limitMs`: what answers again in between starts at zero.
 * A question counts only if this process was not starved meanwhile. Rejects when `signal` is aborted.
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
    const [answered, starved] = await whileTicking(() => responds(url))
    signal.throwIfAborted()
    const since = now() - askedAt
    askedAt += since
    if (answered) silentMs = 0
    else if (!starved) silentMs += Math.min(since, mostPerQuestionMs)
  }
}

/** What `work` resolves to, and whether this process had too little time meanwhile to run its timers. */
async function whileTicking<T>(work: () => Promise<T>): Promise<[T, boolean]> {
  let ticks = 0
  const timer = setInterval(() => ticks++, tickMs)
  const startedAt = performance.now()
  try {
    const result = await work()
    const due = Math.floor((performance.now() - startedAt) / tickMs)
    return [result, ticks < due / 2]
  } finally {
    clearInterval(timer)
  }
}

/** With whatever status: what refuses still lives. */
const respondsOverHttp = (url: string) => answers(url, { timeoutMs: patienceMs, accepts: () => true })

type Wanted = {
  /** ms that the answer may take; default: 1,000 */
  timeoutMs?: number
  /** which status counts as an answer; default: 200 alone */
  accepts?: (status: number) => boolean
}

/** Whether `url` answers in time. On a connection of its own: none is left for a server to wait for. */
export function answers(url: string, wanted: Wanted = {}): Promise<boolean> {
  const { timeoutMs = 1000, accepts = status => status === 200 } = wanted
  return new Promise(resolve => {
    const request = get(url, { agent: false, timeout: timeoutMs }, response => {
      response.resume()
      resolve(accepts(response.statusCode ?? 0))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
