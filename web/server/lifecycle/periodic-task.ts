import { setTimeout as pause } from 'node:timers/promises'
import { log } from '../log.ts'

/** Runs a task periodically: one run at a time, the next when it is due, whether the last one failed or not. */
export class PeriodicTask {
  readonly #everyMs: number
  readonly #task: () => Promise<void>
  #timer: NodeJS.Timeout | undefined
  #last: Promise<void> = Promise.resolve()
  #stopped = false

  /** `everyMs`: from start to start. Errors of `task` are ignored, since it runs again anyway. */
  constructor(everyMs: number, task: () => Promise<void>) {
    this.#everyMs = everyMs
    this.#task = task
  }

  /** Runs the task now, or after the current run, and periodically from then on. Resolves after this run. */
  run(): Promise<void> {
    clearTimeout(this.#timer)
    this.#last = this.#last.then(() => this.#runOnce())
    return this.#last
  }

  /** No run starts after this; resolves when the current one has ended. */
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
    const delayMs = Math.max(0, this.#everyMs - (performance.now() - startedAt))
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.run(), delayMs)
  }
}

/**
 * Runs `work` repeatedly, each time after sleeping `everyMs`, until it is stopped. Logs a failure once, until a run succeeds
 * again. @returns a function that stops it; a run in progress sees it by its signal
 */
export function repeat(
  name: string,
  work: (signal: AbortSignal) => Promise<void>,
  everyMs: number,
  write: (text: string) => void = log.warn,
): () => void {
  const stop = new AbortController()
  void keepOn(stop.signal)
  return () => stop.abort()

  async function keepOn(signal: AbortSignal): Promise<void> {
    let failing = false
    while (await sleep(everyMs, signal)) {
      try {
        await work(signal)
        failing = false
      } catch (error) {
        if (!failing && !signal.aborted) write(`${name}: ${String(error)}; will retry`)
        failing = true
      }
    }
  }
}

/** Sleeps for `ms` between two pieces of background work. @returns false if it was stopped meanwhile */
export async function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  await pause(ms, undefined, { signal, ref: false }).catch(() => {})
  return !signal.aborted
}
