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
  /** srv_ids that visitors send in turns; default: new visitors */
  cookies?: string[]
}

/** Loads with wrk: each connection sends its next request as soon as it has an answer (a closed loop). */
export async function runWrk(url: string, load: Load, signal: AbortSignal): Promise<LoadResult> {
  const { connections, seconds, cookies = [] } = load
  const script = join(import.meta.dirname, 'visitors.lua')
  // One thread is enough for many times this load, and the processor is needed elsewhere.
  const options = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '5s', '-s', script]
  const { stdout } = await promisify(execFile)('wrk', [...options, url, ...cookies], { signal })
  return parseResult(stdout)
}

export type LoadResult = {
  /** page views per second, without answers that are errors */
  rate: number
  answers: number
  p50Ms: number
  p99Ms: number
  /** answers with a status of 400 or more, and missing answers */
  errors: number
  /** average bytes of an answer, with headers */
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

/** Parses the line of visitors.lua in wrk's output. @throws if there is none */
export function parseResult(output: string): LoadResult {
  const json = output.split('\n').find(text => text.startsWith('{'))
  if (json === undefined) throw new Error(`wrk printed no result:\n${output}`)
  const found = line.parse(JSON.parse(json))
  return {
    rate: (found.answers - found.status) / (found.microseconds / 1e6),
    answers: found.answers,
    p50Ms: found.p50 / 1000,
    p99Ms: found.p99 / 1000,
    errors: found.status + found.connect + found.read + found.write + found.timeout,
    bytesEach: found.answers === 0 ? 0 : found.bytes / found.answers,
  }
}

type Pace = {
  perSecond: number
  seconds: number
  /** added to a browser's headers, or replacing them */
  headers?: OutgoingHttpHeaders
}

type SteadyResult = { started: number; errors: number; p50Ms: number; p99Ms: number; highestMs: number }

/**
 * Starts page views at a steady rate, however long the answers take (an open loop). A page view's time counts from the moment
 * it was due, so it includes any wait before it was sent, and up to 1 ms lateness of this client.
 */
export async function visitSteadily(url: string, pace: Pace, signal: AbortSignal): Promise<SteadyResult> {
  const { perSecond, seconds, headers } = pace
  const agent = new Agent({ keepAlive: true })
  const started = perSecond * seconds
  const startsAt = performance.now()
  const visits: Promise<number | null>[] = []
  for (let n = 0; n < started; n++) {
    const dueAt = startsAt + (n / perSecond) * 1000
    const wait = dueAt - performance.now()
    if (wait > 0) await pause(Math.ceil(wait), null, { signal })
    const visit = getAsBrowser(url, { agent, ...(headers && { headers }) })
    visits.push(visit.then(() => performance.now() - dueAt).catch(() => null))
  }
  const times = (await Promise.all(visits)).filter(time => time !== null).sort((a, b) => a - b)
  agent.destroy()
  return {
    started,
    errors: started - times.length,
    p50Ms: percentile(times, 50),
    p99Ms: percentile(times, 99),
    highestMs: percentile(times, 100),
  }
}

/** The smallest value that at least `percent` of all values do not exceed; NaN for an empty list */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const place = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  return sorted[place - 1] ?? Number.NaN
}

/** Chromium's headers for a page over plain HTTP, the same as in visitors.lua */
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

/** Sends one request as a browser does, by default on a new connection. The body stays encoded. @throws unless the status is 200 */
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

/** Paths on this site that a browser fetches when it loads the page, each once */
export function findAssets(html: string): string[] {
  // `nomodule` scripts are for old browsers only.
  const tags = html.matchAll(
    /<(?:script|link|img)\b(?![^>]*\snomodule)[^>]*?\s(?:src|href)="(\/(?!\/)[^"]+)"/gi,
  )
  return [...new Set([...tags].flatMap(([, path]) => (path ? [path.replaceAll('&amp;', '&')] : [])))]
}

/** An answer of the board, stored to send it again unchanged */
export type PageSample = { headers: [name: string, value: string][]; body: Buffer }

const storedSample = z.object({
  headers: z.array(z.tuple([z.string(), z.string()])),
  body: z.base64().transform(text => Buffer.from(text, 'base64')),
})

export const parseSample = (text: string): PageSample => storedSample.parse(JSON.parse(text))

export const serialiseSample = ({ headers, body }: PageSample): string =>
  JSON.stringify({ headers, body: body.toString('base64') })

/** headers that Node or the sender of the sample sets for every answer */
const perAnswerHeaders = ['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'x-hit']

/** Requests the page from a replica, past NGINX: one hit. */
export async function takeSample(address: string): Promise<PageSample> {
  const { response, body } = await getAsBrowser(`http://${address}/`)
  const headers: PageSample['headers'] = []
  for (let index = 0; index < response.rawHeaders.length; index += 2) {
    const [name = '', value = ''] = response.rawHeaders.slice(index, index + 2)
    if (!perAnswerHeaders.includes(name.toLowerCase())) headers.push([name, value])
  }
  return { headers, body }
}
