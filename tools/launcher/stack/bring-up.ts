import { type KeptPart, keepRunning } from './keep-running.ts'
import type { RunningPart } from './running-part.ts'
import type { Site } from './site.ts'

/**
 * Starts a part, says so, and keeps it running from then on. When its first start fails, that is thrown. `describe`
 * is what to report of it.
 */
export async function bringUp<P extends RunningPart>(
  name: string,
  start: (signal: AbortSignal) => Promise<P>,
  describe: (part: P) => string,
  { roster, report, signal }: Site,
): Promise<{ part: P; kept: KeptPart }> {
  const begun = performance.now()
  const part = await start(signal)
  roster.set(name, part.pid)
  report(name, `${describe(part)}, ready after ${((performance.now() - begun) / 1000).toFixed(1)} s`)
  const replaced = (successor: P) => roster.set(name, successor.pid)
  return { part, kept: keepRunning(part, { start, replaced, report: text => report(name, text) }) }
}
