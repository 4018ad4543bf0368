import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { PageView } from '../../shared/page-view.ts'
import { contentSecurityPolicy } from './content-security-policy.ts'
import type { RenderPage } from './render-template.ts'
import { Template } from './template.ts'
import { makeNonceToken } from './tokens.ts'

/** A request to Next that comes over no network. */
export type NextRequest = {
  method: 'GET' | 'HEAD'
  url: string
  headers: IncomingHttpHeaders
  /** what the page shows; null where it is not the page that is asked for */
  view: PageView | null
}

export type NextAnswer = { status: number; headers: OutgoingHttpHeaders; body: Uint8Array }

/** @throws what Next's handler throws */
export type AskNext = (request: NextRequest) => Promise<NextAnswer>

export function pageRenderer(ask: AskNext): RenderPage {
  return async (view, headers) => {
    const { status, body } = await ask({ method: 'GET', url: '/', headers, view })
    if (status !== 200) throw new Error(`Next answered ${status} for the page`)
    return Buffer.from(body).toString()
  }
}

/**
 * The page of what does not exist, rendered once for all who come to it. @throws when Next does not answer 404 with a page
 * that takes the nonce
 */
export async function notFoundPage(ask: AskNext): Promise<Template<'nonce'>> {
  const tokens = makeNonceToken()
  const headers = { 'content-security-policy': contentSecurityPolicy(tokens.nonce, false) }
  const { status, body } = await ask({ method: 'GET', url: '/_not-found', headers, view: null })
  if (status !== 404) throw new Error(`Next answered ${status} for what does not exist`)
  return new Template(Buffer.from(body).toString(), tokens)
}
