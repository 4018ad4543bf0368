import { setTimeout as pause } from 'node:timers/promises'

/**
 * Asks every `everyMs` until `what` answers true, at most `ms`. An error is asked again too: it is told when time is up.
 * @throws an error saying what was waited for
 */
export async function waitUntil(
  sentence: string,
  ms: number,
  what: () => Promise<boolean>,
  everyMs = 250,
): Promise<void> {
  const deadline = performance.now() + ms
  let last: unknown
  for (;;) {
    try {
      if (await what()) return
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${Math.round(ms / 1000)} s, and still not: ${sentence}`, { cause: last })
    }
    await pause(everyMs)
  }
}

/** A part that has run this long counts as well again, in ms. */
export const wellAfter = 10_000

const first = 250
const longest = 10_000

/** How long to wait before the next start, in ms, after `failures` in a row: the first one is at once. */
export function backoff(failures: number): number {
  return failures === 0 ? 0 : Math.min(longest, first * 2 ** (failures - 1))
}
