import { rest } from './rest.ts'

/**
 * Does `turn` again and again, with `everyMs` of rest before each, until it is stopped. A turn that fails is said once,
 * until one goes well again: the next one tries the same. @returns how to stop; a turn under way sees it by its signal
 */
export function repeat(
  name: string,
  turn: (signal: AbortSignal) => Promise<void>,
  everyMs: number,
  say: (text: string) => void = console.error,
): () => void {
  const over = new AbortController()
  void keepOn(over.signal)
  return () => over.abort()

  async function keepOn(signal: AbortSignal): Promise<void> {
    let failing = false
    while (await rest(everyMs, signal)) {
      try {
        await turn(signal)
        failing = false
      } catch (error) {
        if (!failing && !signal.aborted) say(`${name}: ${String(error)}; it is tried again`)
        failing = true
      }
    }
  }
}
