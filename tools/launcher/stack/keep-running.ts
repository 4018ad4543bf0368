import { setTimeout as sleep } from 'node:timers/promises'
import { backoff, wellAfter } from '../../lib/backoff.ts'
import type { RunningPart } from './running-part.ts'

export type Keeping<P extends RunningPart> = {
  /** starts the part again, at the same address; rejects soon after the signal */
  start: (signal: AbortSignal) => Promise<P>
  /** told of each new life */
  replaced: (part: P) => void
  report: (text: string) => void
}

export type KeptPart = { stop: () => Promise<void> }

/** Watches a part that runs, and starts it again, with growing pauses, each time it ends unasked. */
export function keepRunning<P extends RunningPart>(
  first: P,
  { start, replaced, report }: Keeping<P>,
): KeptPart {
  const stopping = new AbortController()
  let current = first

  async function watch(): Promise<void> {
    for (let failures = 0; ; ) {
      const since = performance.now()
      const how = await current.exited
      if (performance.now() - since > wellAfter) failures = 0
      while (!stopping.signal.aborted && !(await startAgain(how, failures))) failures++
      if (stopping.signal.aborted) return
      failures++
    }
  }

  async function startAgain(how: string, failures: number): Promise<boolean> {
    try {
      await sleep(backoff(failures), null, { signal: stopping.signal })
      current = await start(stopping.signal)
      replaced(current)
      report(`ended (${how}) and was started again`)
      return true
    } catch (error) {
      if (stopping.signal.aborted) return false
      const why = error instanceof Error ? error.message : String(error)
      report(`ended (${how}) and does not start, next try in ${backoff(failures + 1) / 1000} s: ${why}`)
      return false
    }
  }

  const watching = watch()
  return {
    async stop() {
      stopping.abort()
      await current.stop() // ends the wait for its exit
      await watching
      await current.stop() // one that was being started meanwhile
    },
  }
}
