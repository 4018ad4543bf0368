import type { IncomingMessage } from 'node:http'

/**
 * Under which origin the client reaches the board, as NGINX says; empty where that cannot be said in letters that may be
 * filled into a page. The host is the client's own word, so it is only for what goes back to that client.
 */
export function requestOrigin({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const host = headers.host ?? ''
  if (!/^[A-Za-z0-9.-]+(:\d+)?$/.test(host)) return ''
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  return `${scheme}://${host}`
}
