import { AnswerError } from '../errors.ts'
import { sendError } from '../http/answer.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { isFlightRequest, wantsJson } from '../http/page-view-request.ts'
import { newNonce } from '../render/content-security-policy.ts'
import type { Template } from '../render/template.ts'
import { sendFilledPage, vary } from './send-filled-page.ts'

/**
 * Answers 404 for every path and method that nothing else answers: a person with `page`, scripts and whatever asks for an
 * asset or for the API with JSON. It renders nothing; without a page everybody gets JSON.
 */
export function notFoundEndpoint(page: Template<'nonce'> | null): Endpoint {
  return (request, response, url) => {
    if (page && !isForScript(url) && !wantsJson(request) && !isFlightRequest(request, url)) {
      const values = { nonce: newNonce() }
      return sendFilledPage(request, response, { status: 404, template: page, values, development: false })
    }
    response.setHeader('Vary', vary)
    sendError(response, new AnswerError(404, 'not_found', 'There is nothing at this address.'))
  }
}

export function isUnderApi({ pathname }: URL): boolean {
  return pathname === '/api' || pathname.startsWith('/api/')
}

function isForScript(url: URL): boolean {
  return isUnderApi(url) || url.pathname.startsWith('/_next/')
}
