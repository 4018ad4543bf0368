import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Endpoint } from '../http/endpoint.ts'
import type { RenderPage } from './render-template.ts'
import type { Template } from './template.ts'

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
