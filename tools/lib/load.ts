import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, type Visit, visitOnce } from './visit-once.ts'

export type LoadOptions = {
  /** visitors at a time, each with a connection of its own */
  connections: number
  /** it ends after that many ms … */
  forMs?: number
  /** … or that many page views, whichever comes first */
  pageViews?: number
  /** … or when this is aborted */
  until?: AbortSignal
  /** page views begun a second, by all visitors together; default: as many as are answered */
  perSecond?: number
  /** a visitor keeps its cookie; default: each page view is a stranger's */
  keepCookies?: boolean
  /** default: JSON */
  accept?: NonNullable<Visit['accept']>
}

/** Visits the page at `url` as told, bounded in time and number, and records every answer. */
export async function visitMany(url: string, options: LoadOptions): Promise<Answer[]> {
  const { connections, forMs = 60_000, pageViews = Number.POSITIVE_INFINITY } = options
  const { perSecond = Number.POSITIVE_INFINITY, until, accept = 'application/json' } = options
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const startsAt = performance.now()
  const endsAt = startsAt + forMs
  const answers: Answer[] = []
  let begun = 0
  async function visitor(): Promise<void> {
    let cookie = ''
    while (performance.now() < endsAt && !until?.aborted && begun < pageViews) {
      const dueIn = startsAt + (begun++ / perSecond) * 1000 - performance.now()
      if (dueIn > 0) await pause(dueIn)
      const { answer, setCookie } = await visitOnce(url, { agent, cookie, accept })
      answers.push(answer)
      if (options.keepCookies && setCookie) cookie = setCookie
    }
  }
  try {
    await Promise.all(Array.from({ length: connections }, visitor))
  } finally {
    agent.destroy()
  }
  return answers
}
