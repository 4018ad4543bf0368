import { setTimeout as pause } from 'node:timers/promises'

/** Rests between two pieces of background work, in ms. @returns false = told to stop meanwhile */
export async function rest(ms: number, signal: AbortSignal): Promise<boolean> {
  await pause(ms, undefined, { signal, ref: false }).catch(() => {})
  return !signal.aborted
}
