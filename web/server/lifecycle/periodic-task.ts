import { setTimeout as pause } from 'node:timers/promises'

/** Does something again and again: one run at a time, and the next when it is due, whether it failed or not. */
export class PeriodicTask {
  readonly #everyMs: number
  readonly #task: () => Promise<void>
  #timer: NodeJS.Timeout | undefined
  #last: Promise<void> = Promise.resolve()
  #stopped = false

  /** `everyMs` is from start to start. What `task` throws is for nobody: it is tried again anyway. */
  constructor(everyMs: number, task: () => Promise<void>) {
    this.#everyMs = everyMs
    this.#task = task
  }

  /** Runs it now, or after the run under way, and periodically from then on. Resolves after this run. */
  run(): Promise<void> {
    clearTimeout(this.#timer)
    this.#last = this.#last.then(() => this.#runOnce())
    return this.#last
  }

  /** None is run after this has resolved. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#last
  }

  async #runOnce(): Promise<void> {
    if (this.#stopped) return
    const startedAt = performance.now()
    await this.#task().catch(() => {})
    if (this.#stopped) return
    const rest = Math.max(0, this.#everyMs - (performance.now() - startedAt))
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.run(), rest)
  }
}

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
    while (await sleep(everyMs, signal)) {
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

/** Rests between two pieces of background work, in ms. @returns false = told to stop meanwhile */
export async function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  await pause(ms, undefined, { signal, ref: false }).catch(() => {})
  return !signal.aborted
}
