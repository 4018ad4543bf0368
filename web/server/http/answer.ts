import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { ErrorAnswer } from '../../shared/api.ts'
import type { AnswerError } from '../errors.ts'

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers?: OutgoingHttpHeaders,
): void {
  sendText(response, status, 'application/json; charset=utf-8', JSON.stringify(body), headers)
}

export function sendText(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers?: OutgoingHttpHeaders,
): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, {
    ...headers,
    'Content-Type': contentType,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
  })
  response.end(bytes)
}

export function sendError(response: ServerResponse, error: AnswerError): void {
  if (error.retryAfter !== undefined) response.setHeader('Retry-After', error.retryAfter)
  const body: ErrorAnswer = { error: { code: error.code, message: error.message } }
  sendJson(response, error.status, body)
}
