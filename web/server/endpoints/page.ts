// The endpoints: one module each, called by the router (web/server/replica/routes.ts lists them). They check the
// request, call the hit queue, the database or the renderer, and send the answer. This module has `GET /`, the only
// request that counts: admission (hits/admission.ts), the page (render/pages.ts), the number (hits/hit-queue.ts), then
// the page filled with that number.

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { ServerReference, ServerRow, VisitAnswer } from '../../shared/api.ts'
import { utcTime } from '../../shared/times.ts'
import { arrivalText, movedText } from '../../shared/wording.ts'
import { AnswerError } from '../errors.ts'
import type { Admission } from '../hits/admission.ts'
import {
  arrivalOf,
  ClientDisconnected,
  type Count,
  type Hit,
  type HitTimes,
  PassedOn,
  readHit,
} from '../hits/hit.ts'
import type { HitQueue } from '../hits/hit-queue.ts'
import {
  acceptsGzip,
  canBePassedOn,
  isBrowser,
  isPrefetch,
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
  /** the name of the server that had this address before, while its visitors may still send its cookie; else null */
  previousServerName(): string | null
  /** the server with that srv_id as it was last seen; null if unknown */
  serverOf(srvId: string): ServerRow | null
  /** a page view was counted and answered; `startedAt` in ms on the clock of `performance.now()` */
  onCounted(request: IncomingMessage, visit: VisitAnswer, startedAt: number, times: HitTimes): void
  development: boolean
}

/** `GET /`: one page view, one hit. */
export function pageEndpoint(dependencies: Dependencies): Endpoint {
  const { admission, queue, pages, identity } = dependencies

  return async (request, response) => {
    if (isPrefetch(request)) throw notInAdvance()
    const startedAt = performance.now()
    const isDisconnected = () => !request.socket.readable
    // First of all: a refusal must cost next to nothing.
    if (!(await admission.enter(isDisconnected))) return
    const json = wantsJson(request)
    const hit = readHit(request)
    // Get the page before the hit is submitted: the hit's number is then higher than any on the page, and its row is not on it.
    const page = json ? null : await pages.current()
    // A replica that wakes finds requests that NGINX gave up on long ago. A disconnect is read in the event loop turn after the
    // request: wait for it, just before the batch leaves.
    await new Promise(setImmediate)
    const times: HitTimes = { leftAt: 0, countedAt: 0, batch: null }
    const terms = { startedAt, isDisconnected, canBePassedOn: canBePassedOn(request), times }
    const count = await unlessDisconnected(queue.submit(hit, terms))
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
          moved_text: moveText(visit),
          origin: isBrowser(request) ? '' : requestOrigin(request),
        },
        headers,
        development,
      })
    } else {
      sendJson(response, 200, visit, { ...headers, Vary: vary })
    }
    dependencies.onCounted(request, visit, startedAt, times)
  }

  function toVisit(hit: Hit, count: Count): VisitAnswer {
    const arrival = arrivalOf(hit.cookieSrvId, identity.srv_id)
    const earlier = arrival === 'returning' ? dependencies.previousServerName() : null
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

  function moveText({ moved_from, server, at }: VisitAnswer): string {
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
    // A retried page view may have got its number before the page was rendered.
    counter: String(Math.max(visit.hit, counter)),
    client_ip: visit.client_ip,
    at: visit.at,
    at_text: utcTime(visit.at, visit.at),
    arrival: visit.arrival,
    arrival_text: arrivalText(visit),
    cookie: visit.moved_from?.srv_id ?? '',
  }
}

/** `HEAD /`: the headers of the page. Not a hit. */
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

/** Null if the client disconnected before its batch left: nothing was counted, and no answer is needed. */
async function unlessDisconnected(count: Promise<Count>): Promise<Count | null> {
  try {
    return await count
  } catch (error) {
    if (error instanceof ClientDisconnected) return null
    throw error
  }
}

function notInAdvance(): AnswerError {
  return new AnswerError(
    503,
    'not_in_advance',
    'Prefetches and previews are not counted. Load the page again when it is shown.',
  )
}

type ReplicaState = {
  srvId: string
  isDraining: () => boolean
  /** a page view would get no number here */
  cannotCount: () => boolean
}

/**
 * While the replica drains, it serves `page` only to visitors whose cookie names it. While it cannot count, it serves
 * no request that another replica can serve. It answers other requests with 403: NGINX then asks the next replica, and
 * the visitor does not notice. If all replicas have answered 403, NGINX asks once more with `X-Last-Try: 1`.
 */
export function forOwnVisitors({ srvId, isDraining, cannotCount }: ReplicaState, page: Endpoint): Endpoint {
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
 * A page view that this replica may still count gets no answer: its connection is closed, so NGINX tells the visitor that an
 * earlier try was not answered, and sends nothing to this replica for a second.
 */
function turnAway(response: ServerResponse, error: AnswerError): void {
  if (error instanceof PassedOn && error.mayBeCommitted) response.destroy()
  else sendError(response, error)
}

/** Request headers that the answer at `/` depends on. */
export const vary = 'Accept, Accept-Encoding'

type PageToSend<Slot extends string> = {
  status: number
  template: Template<Slot | 'nonce'>
  values: Record<Slot | 'nonce', string>
  /** in addition to the headers of every page */
  headers?: OutgoingHttpHeaders
  development: boolean
}

/** Sends a page filled with these values, with gzip if the client accepts it. @throws on a value with an unsafe character */
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
  // The callback runs when the write has ended, successful or not: the bytes are then free for another page.
  response.end(bytes, compressed?.giveBack)
}
