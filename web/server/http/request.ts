import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { BadParameter } from '../errors.ts'
import { isSrvId } from '../identity.ts'

/** Request headers in which browsers, and programs that imitate them, state their purpose. */
const purposeHeaders = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/**
 * Whether the page is requested in advance or for a preview, and may never be shown to a person. Any case; the value
 * may be a list or have parameters. Sources:
 * https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Purpose for the current header. Older
 * browsers send `Purpose: prefetch` or `X-Moz: prefetch`, and Safari `X-Purpose: preview` for its top sites.
 */
export function isPrefetch({ headers }: IncomingMessage): boolean {
  return purposeHeaders.some(name => /\b(?:prefetch|prerender|preview)\b/i.test(String(headers[name] ?? '')))
}

/** Whether Next's client requests the flight data of a page instead of the page. */
export function isFlightRequest(request: IncomingMessage, url: URL): boolean {
  return request.headers.rsc !== undefined || url.searchParams.has('_rsc')
}

/** Whether the request says that a body follows. */
export function announcesBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

/**
 * Whether a person's browser navigates. Browsers say so over HTTPS and on the machine itself.
 * Source: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Mode
 */
export function isBrowser(request: IncomingMessage): boolean {
  return request.headers['sec-fetch-mode'] === 'navigate'
}

/** Whether NGINX tries another replica if this one refuses the page view: it came through NGINX and is not the last try. */
export function canBePassedOn({ headers }: IncomingMessage): boolean {
  return headers['x-real-ip'] !== undefined && headers['x-last-try'] !== '1'
}

/** JSON is sent to clients that name it and do not name HTML. */
export function wantsJson(request: IncomingMessage): boolean {
  const accept = request.headers.accept ?? ''
  return accept.includes('application/json') && !accept.includes('text/html')
}

/**
 * Whether gzip is named without a quality of 0. A client that sends only `*` gets the page uncompressed.
 * Source: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export function acceptsGzip(request: IncomingMessage): boolean {
  const encodings = String(request.headers['accept-encoding'] ?? '')
  return /(?:^|,)\s*gzip\s*(?:$|,|;(?!\s*q=0(?:\.0+)?\s*(?:,|$)))/i.test(encodings)
}

/** The id that NGINX gave the request: 32 lowercase hex digits. Null if it did not come through NGINX. */
export function readRequestId({ headers }: IncomingMessage): string | null {
  const id = String(headers['x-request-id'] ?? '')
  return /^[0-9a-f]{32}$/.test(id) ? id : null
}

/** The server that the visitor's cookie names. Null if there is none or its value is malformed. */
export function readSrvIdCookie(cookies: string): string | null {
  const value = /(?:^|;)\s*srv_id=([^;\s]*)/.exec(cookies)?.[1]
  return value !== undefined && isSrvId(value) ? value : null
}

/**
 * The origin at which the client reaches the board, as NGINX reports it. Empty if it has characters that may not be
 * filled into a page. The client chooses its host, so use it only in answers to that client.
 */
export function requestOrigin({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const host = headers.host ?? ''
  if (!/^[A-Za-z0-9.-]+(:\d+)?$/.test(host)) return ''
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  return `${scheme}://${host}`
}

/**
 * Parses a query by `shape`. Each parameter may occur once, and unknown ones are errors: a misspelt filter must not look like
 * a filter that matched everything.
 * @throws BadParameter with the name and the reason
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

/** Digits only, no leading zero, exact as a JavaScript number. */
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
