import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { PageView } from '../../shared/page-view.ts'
import type { Endpoint } from '../http/router.ts'
import { contentSecurityPolicy, makeNonceToken, type RenderPage, Template } from './template.ts'

/** Next, in this thread or in its own one. */
export type NextApp = {
  /** whether Next answers this path: assets and the icon; in development all paths */
  has(path: string): boolean
  /** answers a request for a path that it has */
  handle: Endpoint
  /** the web socket of hot reload, in development */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  renderPage: RenderPage
  /** the page for unknown paths; null in development, where Next has all paths */
  notFoundPage: Template<'nonce'> | null
}

/** A request to Next without a network connection. */
export type NextRequest = {
  method: 'GET' | 'HEAD'
  url: string
  headers: IncomingHttpHeaders
  /** what the page shows; null for requests other than the page */
  view: PageView | null
}

export type NextAnswer = { status: number; headers: OutgoingHttpHeaders; body: Uint8Array }

/** @throws what Next's handler throws */
export type RequestNext = (request: NextRequest) => Promise<NextAnswer>

export function pageRenderer(requestNext: RequestNext): RenderPage {
  return async (view, headers) => {
    const { status, body } = await requestNext({ method: 'GET', url: '/', headers, view })
    if (status !== 200) throw new Error(`Next answered ${status} for the page`)
    return Buffer.from(body).toString()
  }
}

/**
 * The page for unknown paths, rendered once for all visitors. @throws if Next does not answer 404 with a page that contains the
 * nonce
 */
export async function notFoundPage(requestNext: RequestNext): Promise<Template<'nonce'>> {
  const tokens = makeNonceToken()
  const headers = { 'content-security-policy': contentSecurityPolicy(tokens.nonce, false) }
  const { status, body } = await requestNext({ method: 'GET', url: '/_not-found', headers, view: null })
  if (status !== 404) throw new Error(`Next answered ${status} for an unknown path`)
  return new Template(Buffer.from(body).toString(), tokens)
}

/** Message to the thread that Next runs in. Answers come in any order, so each request has an id. */
export type ToThread = { id: number; request: NextRequest }

/** Message from Next's thread: first that Next has started, then answers. `failure` is what Next's handler threw. */
export type FromThread =
  | { kind: 'started' }
  | { kind: 'answer'; id: number; answer: NextAnswer }
  | { kind: 'failure'; id: number; failure: unknown }
