import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { z } from 'zod'
import { OutcomeUnknown } from '../../web/server/hits/errors.ts'

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

export type Visit = {
  agent: Agent
  /** the header a browser would send, '' = none */
  cookie: string
  /** default: JSON */
  accept?: 'application/json' | 'text/html'
  /** an address of this machine to come from */
  from?: string
}

/** `stale`: the connection had been used before, and was closed under the request: a browser then asks once more. */
export type Visited = { answer: Answer; setCookie: string; stale: boolean }

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
export const noAnswer = {
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
