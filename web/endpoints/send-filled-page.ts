import type { IncomingMessage, ServerResponse } from 'node:http'
import { acceptsGzip } from '../http/page-view-request.ts'
import { contentSecurityPolicy } from '../page/content-security-policy.ts'
import type { Template } from '../page/template.ts'

/** What an answer at `/` depends on. */
export const vary = 'Accept, Accept-Encoding'

type FilledPage<Slot extends string> = {
  status: number
  template: Template<Slot | 'nonce'>
  values: Record<Slot | 'nonce', string>
  development: boolean
}

/** Sends a page with these values in it, compressed to whom takes that. @throws on a value that is not harmless */
export function sendFilledPage<Slot extends string>(
  request: IncomingMessage,
  response: ServerResponse,
  { status, template, values, development }: FilledPage<Slot>,
): void {
  const compressed = acceptsGzip(request) ? template.fillCompressed(values) : null
  const bytes = compressed ?? Buffer.from(template.fill(values))
  if (compressed) response.setHeader('Content-Encoding', 'gzip')
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': contentSecurityPolicy(values.nonce, development),
    Vary: vary,
  })
  response.end(bytes)
}
