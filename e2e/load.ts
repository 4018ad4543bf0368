import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'

/** One page view as its visitor saw it. */
export type Answer = {
  /** 0 = no answer came */
  status: number
  /** the number it was told; null = none */
  hit: number | null
  /** the server it was told; null = none */
  srvId: string | null
  /** NGINX's id of it, the same in all its tries; null = no answer came */
  requestId: string | null
  startedAt: number
  /** ms */
  took: number
}

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
}

const told = z.object({ hit: z.number().int(), srv_id: z.string() })

/** Visits the page at `url` as told, bounded in time and number, and records every answer. */
export async function visitMany(url: string, options: LoadOptions): Promise<Answer[]> {
  const { connections, forMs = 60_000, pageViews = Number.POSITIVE_INFINITY } = options
  const { perSecond = Number.POSITIVE_INFINITY, until } = options
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
      const { answer, setCookie } = await visitOnce(url, agent, cookie)
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

/** The last of several cookies of one name is the one a browser keeps. */
function srvIdCookie(setCookies: string[] = []): string {
  return setCookies.findLast(cookie => cookie.startsWith('srv_id='))?.split(';')[0] ?? ''
}

function visitOnce(
  url: string,
  agent: Agent,
  cookie: string,
): Promise<{ answer: Answer; setCookie: string }> {
  const startedAt = performance.now()
  const headers = { Accept: 'application/json', ...(cookie && { Cookie: cookie }) }
  const { promise, resolve } = Promise.withResolvers<{ answer: Answer; setCookie: string }>()
  const took = () => performance.now() - startedAt
  const nothingCame = () => {
    resolve({
      answer: { status: 0, hit: null, srvId: null, requestId: null, startedAt, took: took() },
      setCookie: '',
    })
  }
  const asked = request(url, { agent, headers }, response => {
    let body = ''
    response.setEncoding('utf8')
    response.on('data', text => {
      body += text
    })
    response.on('error', nothingCame)
    response.on('end', () => {
      const status = response.statusCode ?? 0
      const visit = status === 200 ? told.parse(JSON.parse(body)) : null
      const requestId = z.string().nullable().catch(null).parse(response.headers['x-request-id'])
      const answer = {
        status,
        hit: visit?.hit ?? null,
        srvId: visit?.srv_id ?? null,
        requestId,
        startedAt,
        took: took(),
      }
      resolve({ answer, setCookie: srvIdCookie(response.headers['set-cookie']) })
    })
  })
  asked.setTimeout(10_000, () => asked.destroy(new Error('no answer within 10 s')))
  asked.on('error', nothingCame)
  asked.end()
  return promise
}
