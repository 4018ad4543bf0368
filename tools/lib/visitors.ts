import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { OutcomeUnknown } from '../../web/server/hits/hit.ts'

type LoadOptions = {
  /** concurrent visitors, each with its own connection */
  connections: number
  /** maximum ms; default: 60,000 */
  forMs?: number
  /** maximum page views; default: no limit */
  pageViews?: number
  /** ends the visits early */
  until?: AbortSignal
  /** page views that all visitors together begin per second; default: no limit */
  perSecond?: number
  /** whether a visitor keeps its cookie; default: each page view is a new visitor's */
  keepCookies?: boolean
  /** default: JSON */
  accept?: NonNullable<Visit['accept']>
}

/** Visits the page at `url` repeatedly and records every answer. */
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

/** The answer to one page view, as its visitor saw it. */
export type Answer = {
  /** 0 = no answer */
  status: number
  /** the number in the answer; null = none */
  hit: number | null
  /** the server in the answer; null = none */
  srvId: string | null
  /** NGINX's id of the page view, the same in all its tries; null = no answer */
  requestId: string | null
  /** the reason in an answer without a number; null = none */
  code: string | null
  /** whether NGINX sent it to another server before, which did not answer */
  earlierTry: boolean
  /** whether the answer has `Retry-After` */
  retryAfter: boolean
  /** the visitor's address, if it chose one */
  from: string | null
  /** on the clock of `performance.now()` */
  startedAt: number
  /** ms */
  took: number
}

type Visit = {
  agent: Agent
  /** value of the Cookie header; '' = none */
  cookie: string
  /** default: JSON */
  accept?: 'application/json' | 'text/html'
  /** an address of this machine to send from */
  from?: string
}

/** `stale`: the server closed a reused connection during the request. A browser then repeats the request once. */
type Visited = { answer: Answer; setCookie: string; stale: boolean }

/** Requests the page once. Never rejects: the answer says what went wrong. */
export async function visitOnce(url: string, visit: Visit): Promise<Visited> {
  const { agent, cookie, accept = 'application/json', from } = visit
  const startedAt = performance.now()
  const headers = { Accept: accept, ...(cookie && { Cookie: cookie }) }
  const sent = request(url, { agent, headers, ...(from !== undefined && { localAddress: from }) })
  sent.setTimeout(10_000, () => sent.destroy(new Error('no answer within 10 s')))
  const received = await receive(sent)
  const answer = {
    ...(received ? read(received) : noAnswer),
    from: from ?? null,
    startedAt,
    took: performance.now() - startedAt,
  }
  return {
    answer,
    setCookie: srvIdCookie(received?.response.headers['set-cookie']),
    stale: received === null && sent.reusedSocket,
  }
}

type Received = { response: IncomingMessage; body: string }

/** Null if no complete answer came. */
function receive(sent: ClientRequest): Promise<Received | null> {
  const { promise, resolve } = Promise.withResolvers<Received | null>()
  sent.on('response', response => {
    let body = ''
    response.setEncoding('utf8')
    response.on('data', text => {
      body += text
    })
    response.on('error', () => resolve(null))
    response.on('end', () => resolve({ response, body }))
  })
  sent.on('error', () => resolve(null))
  sent.end()
  return promise
}

/** A page view without an answer. */
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
    code: status === 200 ? null : errorCode(body),
    earlierTry: response.headers['x-earlier-try'] !== undefined,
    retryAfter: response.headers['retry-after'] !== undefined,
  }
}

const error = z.looseObject({ error: z.looseObject({ code: z.string() }) })

/** An error page has no code, only text. */
function errorCode(body: string): string | null {
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

/** Of several cookies with one name a browser keeps the last. */
function srvIdCookie(setCookies: string[] = []): string {
  return setCookies.findLast(cookie => cookie.startsWith('srv_id='))?.split(';')[0] ?? ''
}

/** A page view of a visitor at the address `from` that did not wait for the answer. */
export function unanswered(from: string): Answer {
  return { ...noAnswer, from, startedAt: performance.now(), took: 0 }
}
