import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Protocol } from '../../lib/devtools-protocol.ts'

export type TraceEvent = z.output<typeof traceEvent>

/** Source: the Trace Event Format. Times in µs. */
const traceEvent = z.object({
  name: z.string(),
  /** X: lasts from `ts` for `dur`; I: a moment; M: says something of a thread */
  ph: z.string(),
  pid: z.number(),
  tid: z.number(),
  ts: z.number(),
  dur: z.number().optional(),
  /** of `dur`, what the thread was running */
  tdur: z.number().optional(),
  args: z.looseObject({ name: z.unknown().optional() }).optional(),
})

const collected = z.object({ value: z.array(z.unknown()) })

/** Tasks of every thread, and when frames reached the screen. */
const includedCategories = [
  'disabled-by-default-devtools.timeline',
  'disabled-by-default-display.framedisplayed',
]

/** Chromium's own record of what it did while `action` ran. */
export async function recordTrace(browser: Protocol, action: () => Promise<void>): Promise<TraceEvent[]> {
  const parts = browser.events('Tracing.dataCollected')
  const complete = browser.events('Tracing.tracingComplete')
  await browser.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories, excludedCategories: ['*'] },
  })
  await action()
  await browser.send('Tracing.end')
  while (complete.length === 0) await pause(50)
  const events = parts.flatMap(part => collected.parse(part).value)
  return events.flatMap(event => traceEvent.safeParse(event).data ?? [])
}
