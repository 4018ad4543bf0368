import type { IncomingMessage } from 'node:http'
import { sendError } from '../http/answer.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { AnswerError } from '../http/errors.ts'
import { readSrvIdCookie } from '../http/page-view-request.ts'

type Own = {
  srvId: string
  isDraining: () => boolean
}

/**
 * While the replica drains, `page` is for those whose cookie names it. Whoever else comes is turned away with 403, which
 * NGINX takes to the next replica and nobody sees; once all have done so, NGINX asks with `X-Last-Try: 1`.
 */
export function forOwnVisitors({ srvId, isDraining }: Own, page: Endpoint): Endpoint {
  const isOwn = ({ headers }: IncomingMessage) =>
    readSrvIdCookie(headers.cookie ?? '') === srvId || headers['x-last-try'] === '1'

  return (request, response, url) => {
    if (!isDraining() || isOwn(request)) return page(request, response, url)
    sendError(response, new AnswerError(403, 'draining', 'This server takes no new visitors.'))
  }
}
