import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { z } from 'zod'

export type Load = {
  connections: number
  seconds: number
  /** srv_ids that visitors come with, in turns; default: they are strangers */
  cookies?: string[]
}

/** As many page views as are answered, each connection asking anew as soon as it has its answer. */
export async function runWrk(url: string, load: Load, signal: AbortSignal): Promise<LoadResult> {
  const { connections, seconds, cookies = [] } = load
  const script = join(import.meta.dirname, 'visitors.lua')
  // One thread is enough: wrk asks for many times what is answered here, and the processor is needed elsewhere.
  const options = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '5s', '-s', script]
  const { stdout } = await promisify(execFile)('wrk', [...options, url, ...cookies], { signal })
  return parseResult(stdout)
}

/** What a run of wrk saw. */
export type LoadResult = {
  /** page views a second: what was answered with an error is none */
  rate: number
  answers: number
  p50Ms: number
  p99Ms: number
  /** answers with a status of 400 or more, and those that never came */
  errors: number
  /** of an answer, its headers among them, on average */
  bytesEach: number
}

const line = z.object({
  answers: z.number(),
  microseconds: z.number().positive(),
  bytes: z.number(),
  status: z.number(),
  connect: z.number(),
  read: z.number(),
  write: z.number(),
  timeout: z.number(),
  p50: z.number(),
  p99: z.number(),
})

/** Reads what wrk printed: its own words, and among them the line of visitors.lua. @throws when there is none */
export function parseResult(output: string): LoadResult {
  const json = output.split('\n').find(text => text.startsWith('{'))
  if (json === undefined) throw new Error(`wrk said nothing of its result:\n${output}`)
  const told = line.parse(JSON.parse(json))
  return {
    rate: (told.answers - told.status) / (told.microseconds / 1e6),
    answers: told.answers,
    p50Ms: told.p50 / 1000,
    p99Ms: told.p99 / 1000,
    errors: told.status + told.connect + told.read + told.write + told.timeout,
    bytesEach: told.answers === 0 ? 0 : told.bytes / told.answers,
  }
}

type Pace = {
  perSecond: number
  seconds: number
  /** beside or instead of a browser's */
  headers?: OutgoingHttpHeaders
}

type SteadyResult = { begun: number; errors: number; p50Ms: number; p99Ms: number; highestMs: number }

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

/** The smallest figure that at least `percent` of all are not above. NaN of an empty list. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const place = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  return sorted[place - 1] ?? Number.NaN
}

/** What Chromium says when it asks for a page over plain HTTP; wrk/visitors.lua says the same. */
const browserHeaders = {
  'User-Agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Encoding': 'gzip, deflate',
  'Accept-Language': 'en-GB,en;q=0.9',
  'Upgrade-Insecure-Requests': '1',
}

export type BrowserAnswer = { response: IncomingMessage; body: Buffer }

type Connection = { agent?: Agent | false; headers?: OutgoingHttpHeaders }

/**
 * Asks once, as a browser does, by default on a connection of its own; the body is as it was on the wire.
 * @throws unless the status is 200
 */
export async function getAsBrowser(
  url: string | URL,
  { agent = false, headers = {} }: Connection = {},
): Promise<BrowserAnswer> {
  const request = get(url, { agent, headers: { ...browserHeaders, ...headers }, timeout: 10_000 })
  request.on('timeout', () => request.destroy(new Error(`${url} did not answer within 10 s`)))
  const [response]: IncomingMessage[] = await once(request, 'response')
  if (!response) throw new Error(`${url} did not answer`)
  const body = await buffer(response)
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`)
  return { response, body }
}

/** The paths of this site that a page's tags name, each once, as a browser fetches them when it loads the page. */
export function findAssets(html: string): string[] {
  // What only browsers without modules fetch, none of today's do.
  const tags = html.matchAll(
    /<(?:script|link|img)\b(?![^>]*\snomodule)[^>]*?\s(?:src|href)="(\/(?!\/)[^"]+)"/gi,
  )
  return [...new Set([...tags].flatMap(([, path]) => (path ? [path.replaceAll('&amp;', '&')] : [])))]
}
