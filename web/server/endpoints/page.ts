import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerReference, ServerRow, VisitAnswer } from '../../shared/api.ts'
import { arrivalText } from '../../shared/arrival-text.ts'
import { movedText } from '../../shared/moved-text.ts'
import { utcTime } from '../../shared/times.ts'
import { AnswerError } from '../errors.ts'
import type { Admission } from '../hits/admission.ts'
import { ClientGone } from '../hits/errors.ts'
import { arrivalOf, type Count, type Hit } from '../hits/hit.ts'
import type { HitQueue } from '../hits/hit-queue.ts'
import { sendJson } from '../http/answer.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { canBePassedOn, isBrowser, isPrefetch, readHit, wantsJson } from '../http/page-view-request.ts'
import { requestOrigin } from '../http/request-origin.ts'
import type { Identity } from '../identity.ts'
import { newNonce } from '../render/content-security-policy.ts'
import type { PageTemplates } from '../render/page-templates.ts'
import type { PageSlot } from '../render/tokens.ts'
import { sendFilledPage, vary } from './send-filled-page.ts'

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
