import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { PageView } from '../page/page-view.ts'
import type { RenderPage } from '../page/render-template.ts'

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
