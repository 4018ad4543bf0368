import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type IncomingHttpHeaders, type IncomingMessage, request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import { join } from 'node:path'

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string; cookies: Cookie[] }

type Cookie = { name: string; value: string; attributes: Record<string, string> }

export type RequestOptions = {
  method?: string
  headers?: Record<string, string | string[]>
  body?: string
  /** whether to use HTTPS */
  tls?: boolean
}

/** Sends one request on a new connection. The path is sent unchanged. */
export async function sendRequest(port: number, path: string, options: RequestOptions = {}): Promise<Answer> {
  const response = await startRequest(port, path, options)
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    cookies: (response.headers['set-cookie'] ?? []).map(parseCookie),
  }
}

/** Sends a request. The body of its answer is not read yet. */
export async function startRequest(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body, tls = false }: RequestOptions = {},
): Promise<IncomingMessage> {
  const parameters = { host: '127.0.0.1', port, path, method, headers, agent: false }
  const outgoing = tls
    ? requestSecure({ ...parameters, ca: readFileSync(testCertificate) })
    : requestPlain(parameters)
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return response
}

export function asCookie(srvId: string): Record<string, string> {
  return { Cookie: `srv_id=${srvId}` }
}

export function parseCookie(text: string): Cookie {
  const [first = '', ...rest] = text.split(';').map(part => part.trim())
  const [name = '', value = ''] = first.split('=')
  const attributes = rest
    .map(part => part.split('='))
    .map(([key = '', given = '']) => [key.toLowerCase(), given])
  return { name, value, attributes: Object.fromEntries(attributes) }
}

export const testCertificate = join(import.meta.dirname, 'certificate/test-only.crt')
export const testKey = join(import.meta.dirname, 'certificate/test-only.key')
