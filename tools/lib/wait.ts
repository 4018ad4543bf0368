// Waiting: until something is true, until a service answers, and until it has stopped answering.

import { get } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

type Found<T> = Exclude<T, null | false | undefined>

/**
 * Calls `check` every `everyMs` until it returns neither null, false nor undefined, for at most `ms`. An error of `check` ends the poll.
 * @returns the result of `check`; null after `ms`
 */
export async function poll<T>(
  check: () => Promise<T> | T,
  ms: number,
  everyMs: number,
): Promise<Found<T> | null> {
  const deadline = performance.now() + ms
  for (;;) {
    const found = await check()
    if (isFound(found)) return found
    if (performance.now() > deadline) return null
    await pause(everyMs)
  }
}

function isFound<T>(value: T): value is Found<T> {
  return value !== null && value !== false && value !== undefined
}

/**
 * Polls until `check` returns true. An error of `check` counts as false.
 * @param sentence what is true then, for the message
 * @throws Error after `ms`; its cause is the last error of `check`
 */
export async function waitUntil(
  sentence: string,
  ms: number,
  check: () => Promise<boolean> | boolean,
  everyMs = 250,
): Promise<void> {
  let last: unknown
  const holds = await poll(
    async () => {
      try {
        last = undefined
        return await check()
      } catch (error) {
        last = error
        return false
      }
    },
    ms,
    everyMs,
  )
  if (holds === null)
    throw new Error(`timed out after ${Math.round(ms / 1000)} s, waiting until: ${sentence}`, { cause: last })
}

/** ms after which `until` fails */
const untilTimeoutMs = 60_000

/** Polls every 20 ms, for measurements that start when the condition is true. @throws if it is not within a minute */
export const until = (sentence: string, check: () => Promise<boolean> | boolean) =>
  waitUntil(sentence, untilTimeoutMs, check, 20)

/** ms after which a restarted service counts as stable */
export const stableAfterMs = 10_000

const firstPauseMs = 250
const maxPauseMs = 10_000

/** ms to wait before the next start after `failures` in a row. The first start is immediate. */
export function backoff(failures: number): number {
  return failures === 0 ? 0 : Math.min(maxPauseMs, firstPauseMs * 2 ** (failures - 1))
}

/** ms without an answer after which a service counts as hung. A machine that is busy or wakes from sleep answers sooner. */
export const hungAfterMs = 25_000

/** ms between two probes */
const pauseMs = 2000
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
 * Probes `url` every two seconds. Resolves after `limitMs` without an answer; each answer starts the time again. A probe counts only
 * if this process had enough CPU time meanwhile. Rejects when `signal` is aborted.
 */
export async function untilHung(
  url: string,
  limitMs: number,
  signal: AbortSignal,
  {
    responds = respondsOverHttp,
    now = () => performance.now(),
    pauseMs: betweenMs = pauseMs,
  }: ProbeOptions = {},
): Promise<void> {
  let silentMs = 0
  let probedAt = now()
  while (silentMs < limitMs) {
    await pause(betweenMs, null, { signal })
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
