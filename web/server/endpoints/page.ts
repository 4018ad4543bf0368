import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { ServerReference, ServerRow, VisitAnswer } from '../../shared/api.ts'
import { utcTime } from '../../shared/times.ts'
import { arrivalText, movedText } from '../../shared/wording.ts'
import { AnswerError } from '../errors.ts'
import type { Admission } from '../hits/admission.ts'
import { arrivalOf, ClientGone, type Count, type Hit, PassedOn } from '../hits/hit.ts'
import type { HitQueue } from '../hits/hit-queue.ts'
import {
  acceptsGzip,
  canBePassedOn,
  isBrowser,
  isPrefetch,
  readHit,
  readSrvIdCookie,
  requestOrigin,
  wantsJson,
} from '../http/request.ts'
import { type Endpoint, sendError, sendJson } from '../http/router.ts'
import type { Identity } from '../identity.ts'
import type { PageTemplates } from '../render/pages.ts'
import { contentSecurityPolicy, newNonce, type PageSlot, type Template } from '../render/template.ts'

type Dependencies = {
  admission: Admission
  queue: HitQueue
  pages: PageTemplates
  identity: Identity
  /** the name of the server that had this address before, while cookies of its visitors may still come; else null */
  earlierHere(): string | null
  /** the server with that srv_id, as it was last seen, if one is known */
  serverOf(srvId: string): ServerRow | null
  onCounted(durationMs: number): void
  development: boolean
}

/** `GET /`: one page view, one hit. */
export function pageEndpoint(dependencies: Dependencies): Endpoint {
  const { admission, queue, pages, identity } = dependencies

  return async (request, response) => {
    if (isPrefetch(request)) throw notInAdvance()
    const startedAt = performance.now()
    const isGone = () => !request.socket.readable
    // Before anything is done for it: a refusal must cost next to nothing.
    if (!(await admission.enter(isGone))) return
    const json = wantsJson(request)
    const hit = readHit(request)
    // Before the hit is submitted: so its number is higher than any the page shows, and its own row is not among them.
    const page = json ? null : await pages.current()
    // A replica that wakes finds requests that NGINX gave up on long ago. That its client has gone is read in the turn of the
    // event loop after the request itself, just before its batch leaves.
    await new Promise(setImmediate)
    const terms = { startedAt, isGone, canBePassedOn: canBePassedOn(request) }
    const count = await unlessGone(queue.submit(hit, terms))
    if (!count) return
    const headers = { 'X-Hit': count.id, 'X-Srv-Id': identity.srv_id }
    const visit = toVisit(hit, count)
    if (page) {
      const { template, snapshot } = page
      const { development } = dependencies
      sendFilledPage(request, response, {
        status: 200,
        template,
        values: {
          ...textsOf(visit, snapshot.counter),
          moved_text: tellMove(visit),
          origin: isBrowser(request) ? '' : requestOrigin(request),
        },
        headers,
        development,
      })
    } else {
      sendJson(response, 200, visit, { ...headers, Vary: vary })
    }
    dependencies.onCounted(performance.now() - startedAt)
  }

  function toVisit(hit: Hit, count: Count): VisitAnswer {
    const arrival = arrivalOf(hit.cookieSrvId, identity.srv_id)
    const earlier = arrival === 'returning' ? dependencies.earlierHere() : null
    return {
      hit: count.id,
      srv_id: identity.srv_id,
      server: identity.name,
      client_ip: hit.clientIp,
      arrival,
      moved_from: arrival === 'moved' && hit.cookieSrvId ? reference(hit.cookieSrvId) : null,
      ...(earlier !== null && { maybe_from: { srv_id: identity.srv_id, name: earlier } }),
      at: count.at,
    }
  }

  function reference(srvId: string): ServerReference {
    return { srv_id: srvId, name: dependencies.serverOf(srvId)?.name ?? null }
  }

  function tellMove({ moved_from, server, at }: VisitAnswer): string {
    return moved_from ? movedText(dependencies.serverOf(moved_from.srv_id), server, at) : ''
  }
}

function textsOf(
  visit: VisitAnswer,
  counter: number,
): Record<Exclude<PageSlot, 'moved_text' | 'origin'>, string> {
  return {
    nonce: newNonce(),
    hit: String(visit.hit),
    // A retried page view can have got its number before the page was rendered.
    counter: String(Math.max(visit.hit, counter)),
    client_ip: visit.client_ip,
    at: visit.at,
    at_text: utcTime(visit.at, visit.at),
    arrival: visit.arrival,
    arrival_text: arrivalText(visit),
    cookie: visit.moved_from?.srv_id ?? '',
  }
}

/** `HEAD /`: the page's headers, and no hit. */
export function pageHead(identity: Identity): Endpoint {
  return (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Srv-Id': identity.srv_id,
      Vary: vary,
    })
    response.end()
  }
}

/** Null when the client left before its batch did: then nothing was counted, and nobody is there to answer. */
async function unlessGone(count: Promise<Count>): Promise<Count | null> {
  try {
    return await count
  } catch (error) {
    if (error instanceof ClientGone) return null
    throw error
  }
}

function notInAdvance(): AnswerError {
  return new AnswerError(503, 'not_in_advance', 'A page view counts when somebody looks: ask again then.')
}

type Own = {
  srvId: string
  isDraining: () => boolean
  /** a page view would get no number here */
  cannotCount: () => boolean
}

/**
 * While the replica drains, it serves `page` only to visitors whose cookie names it. While it cannot count, it serves nothing
 * that another replica can serve. It turns other requests away with 403: NGINX then asks the next replica, and the visitor
 * sees nothing of it. Once all replicas have answered 403, NGINX asks with `X-Last-Try: 1`.
 */
export function forOwnVisitors({ srvId, isDraining, cannotCount }: Own, page: Endpoint): Endpoint {
  const isOwn = ({ headers }: IncomingMessage) =>
    readSrvIdCookie(headers.cookie ?? '') === srvId || headers['x-last-try'] === '1'

  return async (request, response, url) => {
    if (cannotCount() && canBePassedOn(request)) return turnAway(response, new PassedOn(false))
    if (isDraining() && !isOwn(request)) return turnAway(response, draining())
    try {
      await page(request, response, url)
    } catch (error) {
      if (!(error instanceof PassedOn)) throw error
      turnAway(response, error)
    }
  }
}

function draining(): AnswerError {
  return new AnswerError(403, 'draining', 'This server takes no new visitors.')
}

/**
 * A page view that may be counted here all the same gets no answer: NGINX then knows, and tells the visitor, that another
 * server had it before and did not say. That also keeps NGINX from asking here for a second.
 */
function turnAway(response: ServerResponse, error: AnswerError): void {
  if (error instanceof PassedOn && error.mayBeCommitted) response.destroy()
  else sendError(response, error)
}

/** What an answer at `/` depends on. */
export const vary = 'Accept, Accept-Encoding'

type PageToSend<Slot extends string> = {
  status: number
  template: Template<Slot | 'nonce'>
  values: Record<Slot | 'nonce', string>
  /** beside those that every such page has */
  headers?: OutgoingHttpHeaders
  development: boolean
}

/** Sends a page with these values in it, compressed to whom takes that. @throws on a value that is not harmless */
export function sendFilledPage<Slot extends string>(
  request: IncomingMessage,
  response: ServerResponse,
  { status, template, values, headers, development }: PageToSend<Slot>,
): void {
  const compressed = acceptsGzip(request) ? template.fillCompressed(values) : null
  const bytes = compressed?.bytes ?? Buffer.from(template.fill(values))
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': bytes.length,
    ...(compressed ? { 'Content-Encoding': 'gzip' } : {}),
    'Cache-Control': 'no-store',
    'Content-Security-Policy': contentSecurityPolicy(values.nonce, development),
    Vary: vary,
  })
  // Called when the write has ended, well or not: nothing reads the bytes any more.
  response.end(bytes, compressed?.giveBack)
}
