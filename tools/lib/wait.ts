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
