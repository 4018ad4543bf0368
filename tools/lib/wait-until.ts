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
