import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** ms without an answer after which a service counts as hung. A busy machine, or one that wakes from sleep, answers sooner. */
export const hungAfterMs = 25_000

/** ms between two probes */
const pauseMs = 1000
/** ms that a probe waits for its answer */
const probeTimeoutMs = 3000
/** Maximum ms that one unanswered probe counts for: while the launcher was suspended, it could not receive an answer. */
const maxPerProbeMs = pauseMs + probeTimeoutMs + 1000

type ProbeOptions = {
  /** whether the service answers, with any status; default: over HTTP */
  responds?: (url: string) => Promise<boolean>
  /** a monotonic clock, in ms */
  now?: () => number
  pauseMs?: number
}

/** ms between two ticks during a probe. If fewer than half of the ticks happen, this process was too slow to receive an answer. */
const tickMs = 50

/**
 * Probes `url` every second. Resolves after `limitMs` without an answer; each answer starts the time again. A probe counts only
 * if this process had enough CPU time meanwhile. Rejects when `signal` is aborted.
 */
export async function untilHung(
  url: string,
  limitMs: number,
  signal: AbortSignal,
  { responds = respondsOverHttp, now = () => performance.now(), pauseMs: pause = pauseMs }: ProbeOptions = {},
): Promise<void> {
  let silentMs = 0
  let probedAt = now()
  while (silentMs < limitMs) {
    await sleep(pause, null, { signal })
    const [answered, starved] = await whileTicking(() => responds(url))
    signal.throwIfAborted()
    const elapsedMs = now() - probedAt
    probedAt += elapsedMs
    if (answered) silentMs = 0
    else if (!starved) silentMs += Math.min(elapsedMs, maxPerProbeMs)
  }
}

/** The result of `work`, and whether this process had too little CPU time meanwhile to run its timers. */
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

/** Any status counts: a service that refuses is alive. */
const respondsOverHttp = (url: string) => answers(url, { timeoutMs: probeTimeoutMs, accepts: () => true })

type AnswerOptions = {
  /** maximum ms until the answer; default: 1,000 */
  timeoutMs?: number
  /** whether a status counts as an answer; default: only 200 */
  accepts?: (status: number) => boolean
}

/** Whether `url` answers in time. Uses a new connection and closes it, so that no server waits for an open connection. */
export function answers(url: string, options: AnswerOptions = {}): Promise<boolean> {
  const { timeoutMs = 1000, accepts = status => status === 200 } = options
  return new Promise(resolve => {
    const request = get(url, { agent: false, timeout: timeoutMs }, response => {
      response.resume()
      resolve(accepts(response.statusCode ?? 0))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
