import { setTimeout as pause } from 'node:timers/promises'

type Found<T> = Exclude<T, null | false | undefined>

/**
 * Calls `look` every `everyMs`, for `ms` at most, until it returns neither null, false nor undefined. An error it throws ends the poll.
 * @returns what `look` found; null when time is up
 */
export async function poll<T>(
  look: () => Promise<T> | T,
  ms: number,
  everyMs: number,
): Promise<Found<T> | null> {
  const deadline = performance.now() + ms
  for (;;) {
    const found = await look()
    if (isFound(found)) return found
    if (performance.now() > deadline) return null
    await pause(everyMs)
  }
}

function isFound<T>(value: T): value is Found<T> {
  return value !== null && value !== false && value !== undefined
}

/**
 * Polls until `what` returns true. An error it throws counts as false.
 * @throws an Error that names what it waited for, once `ms` are over; its cause is the last error
 */
export async function waitUntil(
  sentence: string,
  ms: number,
  what: () => Promise<boolean> | boolean,
  everyMs = 250,
): Promise<void> {
  let last: unknown
  const holds = await poll(
    async () => {
      try {
        last = undefined
        return await what()
      } catch (error) {
        last = error
        return false
      }
    },
    ms,
    everyMs,
  )
  if (holds === null)
    throw new Error(`waited ${Math.round(ms / 1000)} s, and still not: ${sentence}`, { cause: last })
}

/** A part that has run this long counts as well again, in ms. */
export const wellAfter = 10_000

const first = 250
const longest = 10_000

/** How long to wait before the next start, in ms, after `failures` in a row: the first one is at once. */
export function backoff(failures: number): number {
  return failures === 0 ? 0 : Math.min(longest, first * 2 ** (failures - 1))
}
