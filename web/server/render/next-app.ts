import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { PageView } from '../../shared/page-view.ts'
import type { Endpoint } from '../http/router.ts'
import { contentSecurityPolicy, makeNonceToken, type RenderPage, Template } from './template.ts'

/** Next, wherever it runs. */
export type NextApp = {
  /** whether Next answers this path: those of assets and the icon, and in development all */
  has(path: string): boolean
  /** answers a request for such a path */
  handle: Endpoint
  /** the web socket of hot reload, in development */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  renderPage: RenderPage
  /** what any other path shows a person; null in development, where there is no other path */
  notFoundPage: Template<'nonce'> | null
}

/** A request to Next that comes over no network. */
type NextRequest = {
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

/** To the thread that Next runs in. Answers come in any order, so each has the number of its request. */
export type ToThread = { id: number; request: NextRequest }

/** From it: first that Next has started, then answers. `failure` is what Next's handler threw. */
export type FromThread =
  | { kind: 'started' }
  | { kind: 'answer'; id: number; answer: NextAnswer }
  | { kind: 'failure'; id: number; failure: unknown }
