import type { IncomingMessage, ServerResponse } from 'node:http'
import { AnswerError } from '../errors.ts'
import { PassedOn } from '../hits/errors.ts'
import { sendError } from '../http/answer.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { canBePassedOn, readSrvIdCookie } from '../http/page-view-request.ts'

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
