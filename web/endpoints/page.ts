import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerReference, VisitAnswer } from '../answers.ts'
import { utcTime } from '../app/figures/times.ts'
import { arrivalText } from '../app/log/arrival-text.ts'
import { ClientGone } from '../hit/errors.ts'
import { arrivalOf, type Count, type Hit } from '../hit/hit.ts'
import type { HitQueue } from '../hit/hit-queue.ts'
import { sendJson } from '../http/answer.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { AnswerError } from '../http/errors.ts'
import { acceptsGzip, isPrefetch, readHit, wantsJson } from '../http/page-view-request.ts'
import type { Identity } from '../identity/identity.ts'
import { contentSecurityPolicy, newNonce } from '../page/content-security-policy.ts'
import type { PageTemplate, PageTemplates } from '../page/page-templates.ts'

/** What the answer depends on. */
const vary = 'Accept, Accept-Encoding'

type Dependencies = {
  queue: HitQueue
  pages: PageTemplates
  identity: Identity
  /** the name of the server with that srv_id, if one is known */
  nameOf(srvId: string): string | null
  onCounted(durationMs: number): void
  development: boolean
}

/** `GET /`: one page view, one hit. */
export function pageEndpoint(dependencies: Dependencies): Endpoint {
  const { queue, pages, identity } = dependencies

  return async (request, response) => {
    if (isPrefetch(request)) throw notInAdvance()
    const startedAt = performance.now()
    const json = wantsJson(request)
    const hit = readHit(request)
    // Before the hit is submitted: so its number is higher than any the page shows, and its own row is not among them.
    const page = json ? null : await pages.current()
    const count = await countUnlessGone(queue, hit, response)
    if (!count) return
    response.setHeader('X-Hit', count.id)
    response.setHeader('X-Srv-Id', identity.srv_id)
    response.setHeader('Vary', vary)
    const visit = toVisit(hit, count)
    if (page) sendPage(request, response, page, visit)
    else sendJson(response, 200, visit)
    dependencies.onCounted(performance.now() - startedAt)
  }

  function toVisit(hit: Hit, count: Count): VisitAnswer {
    const arrival = arrivalOf(hit.cookieSrvId, identity.srv_id)
    return {
      hit: count.id,
      srv_id: identity.srv_id,
      server: identity.name,
      client_ip: hit.clientIp,
      arrival,
      moved_from: arrival === 'moved' && hit.cookieSrvId ? reference(hit.cookieSrvId) : null,
      at: count.at,
    }
  }

  function reference(srvId: string): ServerReference {
    return { srv_id: srvId, name: dependencies.nameOf(srvId) }
  }

  function sendPage(
    request: IncomingMessage,
    response: ServerResponse,
    page: PageTemplate,
    visit: VisitAnswer,
  ): void {
    const nonce = newNonce()
    const values = {
      nonce,
      hit: String(visit.hit),
      // A retried page view can have got its number before the page was rendered.
      counter: String(Math.max(visit.hit, page.snapshot.counter)),
      client_ip: visit.client_ip,
      at: visit.at,
      at_text: utcTime(visit.at, visit.at),
      arrival: visit.arrival,
      arrival_text: arrivalText(visit.arrival, visit.moved_from),
    }
    const compressed = acceptsGzip(request) ? page.template.fillCompressed(values) : null
    if (compressed) response.setHeader('Content-Encoding', 'gzip')
    const bytes = compressed ?? Buffer.from(page.template.fill(values))
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': bytes.length,
      'Cache-Control': 'no-store',
      'Content-Security-Policy': contentSecurityPolicy(nonce, dependencies.development),
    })
    response.end(bytes)
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
async function countUnlessGone(queue: HitQueue, hit: Hit, response: ServerResponse): Promise<Count | null> {
  const submission = queue.submit(hit)
  response.on('close', submission.abandon)
  try {
    return await submission.count
  } catch (error) {
    if (error instanceof ClientGone) return null
    throw error
  } finally {
    response.off('close', submission.abandon)
  }
}

function notInAdvance(): AnswerError {
  return new AnswerError(503, 'not_in_advance', 'A page view counts when somebody looks: ask again then.')
}
