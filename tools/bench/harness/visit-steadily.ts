import { Agent, type OutgoingHttpHeaders } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { getAsBrowser } from './get-as-browser.ts'
import { percentile } from './percentile.ts'

export type Pace = {
  perSecond: number
  seconds: number
  /** beside or instead of a browser's */
  headers?: OutgoingHttpHeaders
}

export type SteadyResult = { begun: number; errors: number; p50Ms: number; p99Ms: number; highestMs: number }

/**
 * Begins page views at a steady rate, however long the answers take (an open loop). A page view's time counts from when
 * it was due, so one that had to wait for its turn is not told as quick. Our own lateness, up to 1 ms, is in it too.
 */
export async function visitSteadily(url: string, pace: Pace, signal: AbortSignal): Promise<SteadyResult> {
  const { perSecond, seconds, headers } = pace
  const agent = new Agent({ keepAlive: true })
  const begun = perSecond * seconds
  const startsAt = performance.now()
  const visits: Promise<number | null>[] = []
  for (let n = 0; n < begun; n++) {
    const dueAt = startsAt + (n / perSecond) * 1000
    const wait = dueAt - performance.now()
    if (wait > 0) await pause(Math.ceil(wait), null, { signal })
    const visit = getAsBrowser(url, { agent, ...(headers && { headers }) })
    visits.push(visit.then(() => performance.now() - dueAt).catch(() => null))
  }
  const times = (await Promise.all(visits)).filter(time => time !== null).sort((a, b) => a - b)
  agent.destroy()
  return {
    begun,
    errors: begun - times.length,
    p50Ms: percentile(times, 50),
    p99Ms: percentile(times, 99),
    highestMs: percentile(times, 100),
  }
}
