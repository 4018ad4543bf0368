import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { acceptsGzip } from '../http/page-view-request.ts'
import { contentSecurityPolicy } from '../render/content-security-policy.ts'
import type { Template } from '../render/template.ts'

/** What an answer at `/` depends on. */
export const vary = 'Accept, Accept-Encoding'

type PageToSend<Slot extends string> = {
  status: number
  template: Template<Slot | 'nonce'>
  values: Record<Slot | 'nonce', string>
  /** beside those that every such page has */
  headers?: OutgoingHttpHeaders
  development: boolean
}

/** Sends a page with these values in it, compressed to whom takes that. @throws on a value that is not harmless */
export function sendFilledPage<Slot extends string>(
  request: IncomingMessage,
  response: ServerResponse,
  { status, template, values, headers, development }: PageToSend<Slot>,
): void {
  const compressed = acceptsGzip(request) ? template.fillCompressed(values) : null
  const bytes = compressed?.bytes ?? Buffer.from(template.fill(values))
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': bytes.length,
    ...(compressed ? { 'Content-Encoding': 'gzip' } : {}),
    'Cache-Control': 'no-store',
    'Content-Security-Policy': contentSecurityPolicy(values.nonce, development),
    Vary: vary,
  })
  // Called when the write has ended, well or not: nothing reads the bytes any more.
  response.end(bytes, compressed?.giveBack)
}
