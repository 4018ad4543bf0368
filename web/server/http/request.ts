import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { BadParameter } from '../errors.ts'
import { type Hit, newRequestId } from '../hits/hit.ts'
import { isSrvId } from '../identity.ts'
import { normaliseAddress } from './client-address.ts'

/** Headers in which browsers and the programs that imitate them say why they ask. */
const purposeHeaders = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/**
 * Asked for in advance or as a preview, so maybe never shown to a person. Any case; a list or parameters may follow.
 * Sources: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Purpose for today's header; the others are
 * those of older browsers: `Purpose: prefetch` and `X-Moz: prefetch`, and Safari's `X-Purpose: preview` for its top sites.
 */
export function isPrefetch({ headers }: IncomingMessage): boolean {
  return purposeHeaders.some(name => /\b(?:prefetch|prerender|preview)\b/i.test(String(headers[name] ?? '')))
}

/** Next's own client asking for the flight data of a page instead of the page. */
export function isFlightRequest(request: IncomingMessage, url: URL): boolean {
  return request.headers.rsc !== undefined || url.searchParams.has('_rsc')
}

/**
 * Whether a person's browser navigates, where that can be told: over HTTPS, and to the machine itself.
 * Source: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Mode
 */
export function isBrowser(request: IncomingMessage): boolean {
  return request.headers['sec-fetch-mode'] === 'navigate'
}

/** Whether NGINX asks another replica when this one turns the page view away: it came through NGINX, not for the last time. */
export function canBePassedOn({ headers }: IncomingMessage): boolean {
  return headers['x-real-ip'] !== undefined && headers['x-last-try'] !== '1'
}

/** JSON is answered when it is asked for by name and HTML is not. */
export function wantsJson(request: IncomingMessage): boolean {
  const accept = request.headers.accept ?? ''
  return accept.includes('application/json') && !accept.includes('text/html')
}

/**
 * Named, and not refused with a quality of 0. Who only says `*` gets the page as it is.
 * Source: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export function acceptsGzip(request: IncomingMessage): boolean {
  const encodings = String(request.headers['accept-encoding'] ?? '')
  return /(?:^|,)\s*gzip\s*(?:$|,|;(?!\s*q=0(?:\.0+)?\s*(?:,|$)))/i.test(encodings)
}

/** What NGINX says of this page view; it overwrites both headers, so they are not the client's word. */
export function readHit(request: IncomingMessage): Hit {
  const requestId = String(request.headers['x-request-id'] ?? '')
  const realIp = String(request.headers['x-real-ip'] ?? request.socket.remoteAddress ?? '')
  return {
    requestId: isRequestId(requestId) ? requestId : newRequestId(),
    clientIp: normaliseAddress(realIp) ?? '0.0.0.0',
    cookieSrvId: readSrvIdCookie(request.headers.cookie ?? ''),
  }
}

function isRequestId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

/** The server the visitor was bound to; only a well-formed value is a word of ours. */
export function readSrvIdCookie(cookies: string): string | null {
  const value = /(?:^|;)\s*srv_id=([^;\s]*)/.exec(cookies)?.[1]
  return value !== undefined && isSrvId(value) ? value : null
}

/**
 * Under which origin the client reaches the board, as NGINX says; empty where that cannot be said in letters that may be
 * filled into a page. The host is the client's own word, so it is only for what goes back to that client.
 */
export function requestOrigin({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const host = headers.host ?? ''
  if (!/^[A-Za-z0-9.-]+(:\d+)?$/.test(host)) return ''
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  return `${scheme}://${host}`
}

/**
 * The query's parameters as `shape` takes them. Each may be given once, and none that is not in `shape`: a misspelt
 * filter must not look like one that matched everything.
 * @throws BadParameter saying which and why
 */
export function parseParameters<Shape extends z.ZodRawShape>(query: URLSearchParams, shape: Shape) {
  for (const name of query.keys()) {
    if (!Object.hasOwn(shape, name)) throw new BadParameter(name, `unknown; ${knownNames(shape)}`)
    if (query.getAll(name).length > 1) throw new BadParameter(name, 'given more than once')
  }
  const parsed = z.object(shape).safeParse(Object.fromEntries(query))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BadParameter(issue?.path.join('.') ?? 'query', issue?.message ?? 'cannot be taken')
}

/** Digits only, without a leading zero, and small enough to be exact. */
export function positiveInteger(max = Number.MAX_SAFE_INTEGER) {
  const why =
    max === Number.MAX_SAFE_INTEGER ? 'must be a positive integer' : `must be an integer from 1 to ${max}`
  return z
    .string()
    .regex(/^[1-9]\d{0,15}$/, { error: why, abort: true })
    .transform(Number)
    .pipe(z.number().max(max, why))
}

function knownNames(shape: z.ZodRawShape): string {
  const names = Object.keys(shape)
  return names.length === 0 ? 'there are no parameters here' : `there are ${names.join(', ')}`
}
