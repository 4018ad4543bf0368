import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { OutcomeUnknown } from '../../web/server/hits/hit.ts'

type LoadOptions = {
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
  /** what an answer without a number gave as its reason; null = none */
  code: string | null
  /** NGINX said that it had sent it to another server before, which did not answer */
  earlierTry: boolean
  /** whether it was told when to try again */
  retryAfter: boolean
  /** the visitor's own address, where it chose one */
  from: string | null
  /** on the clock of `performance.now()` */
  startedAt: number
  /** ms */
  took: number
}

type Visit = {
  agent: Agent
  /** the header a browser would send, '' = none */
  cookie: string
  /** default: JSON */
  accept?: 'application/json' | 'text/html'
  /** an address of this machine to come from */
  from?: string
}

/** `stale`: the connection had been used before, and was closed under the request: a browser then asks once more. */
type Visited = { answer: Answer; setCookie: string; stale: boolean }

/** Asks for the page once. Never rejects: what went wrong is told by the answer. */
export async function visitOnce(url: string, visit: Visit): Promise<Visited> {
  const { agent, cookie, accept = 'application/json', from } = visit
  const startedAt = performance.now()
  const headers = { Accept: accept, ...(cookie && { Cookie: cookie }) }
  const asked = request(url, { agent, headers, ...(from !== undefined && { localAddress: from }) })
  asked.setTimeout(10_000, () => asked.destroy(new Error('no answer within 10 s')))
  const received = await receive(asked)
  const answer = {
    ...(received ? read(received) : noAnswer),
    from: from ?? null,
    startedAt,
    took: performance.now() - startedAt,
  }
  return {
    answer,
    setCookie: srvIdCookie(received?.response.headers['set-cookie']),
    stale: received === null && asked.reusedSocket,
  }
}

type Received = { response: IncomingMessage; body: string }

/** Null where no whole answer came. */
function receive(asked: ClientRequest): Promise<Received | null> {
  const { promise, resolve } = Promise.withResolvers<Received | null>()
  asked.on('response', response => {
    let body = ''
    response.setEncoding('utf8')
    response.on('data', text => {
      body += text
    })
    response.on('error', () => resolve(null))
    response.on('end', () => resolve({ response, body }))
  })
  asked.on('error', () => resolve(null))
  asked.end()
  return promise
}

/** What is known of a page view whose answer did not come. */
const noAnswer = {
  status: 0,
  hit: null,
  srvId: null,
  requestId: null,
  code: null,
  earlierTry: false,
  retryAfter: false,
}

const headersSeen = z.looseObject({
  'x-hit': z.coerce.number().int().optional(),
  'x-srv-id': z.string().optional(),
  'x-request-id': z.string().optional(),
})

function read({ response, body }: Received) {
  const status = response.statusCode ?? 0
  const seen = headersSeen.parse(response.headers)
  return {
    status,
    hit: status === 200 ? (seen['x-hit'] ?? null) : null,
    srvId: status === 200 ? (seen['x-srv-id'] ?? null) : null,
    requestId: seen['x-request-id'] ?? null,
    code: status === 200 ? null : codeOf(body),
    earlierTry: response.headers['x-earlier-try'] !== undefined,
    retryAfter: response.headers['retry-after'] !== undefined,
  }
}

const error = z.looseObject({ error: z.looseObject({ code: z.string() }) })

/** Pages say it in words alone. */
function codeOf(body: string): string | null {
  if (!body.startsWith('<')) return error.safeParse(parseJson(body)).data?.error.code ?? null
  if (body.includes(new OutcomeUnknown().message)) return 'outcome_unknown'
  if (!body.includes('No server can answer right now')) return 'in_words'
  return body.includes('may have been counted') ? 'no_answer' : 'no_replica'
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The last of several cookies of one name is the one a browser keeps. */
function srvIdCookie(setCookies: string[] = []): string {
  return setCookies.findLast(cookie => cookie.startsWith('srv_id='))?.split(';')[0] ?? ''
}

/** A page view whose visitor, at an address of its own, did not wait for the answer. */
export function unanswered(from: string): Answer {
  return { ...noAnswer, from, startedAt: performance.now(), took: 0 }
}
