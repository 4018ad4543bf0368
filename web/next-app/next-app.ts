import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Endpoint } from '../http/endpoint.ts'
import type { RenderPage } from '../page/render-template.ts'

/** Next, wherever it runs. */
export type NextApp = {
  /** what Next answers by itself: assets, the icon, what is not found */
  handle: Endpoint
  /** the web socket of hot reload, in development */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  renderPage: RenderPage
}
