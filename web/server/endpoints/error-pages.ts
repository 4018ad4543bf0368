import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AnswerError } from '../errors.ts'
import { NotCounted, OutcomeUnknown } from '../hits/hit.ts'
import { isFlightRequest, readRequestId, wantsJson } from '../http/request.ts'
import { type Endpoint, type SendError, sendError, sendText } from '../http/router.ts'
import { log } from '../log.ts'
import type { ProblemPages } from '../render/pages.ts'
import { newNonce, type Template } from '../render/template.ts'
import { sendFilledPage, vary } from './page.ts'

/**
 * Sends the error of a page view: JSON to a script, a page to a person. If only the number is missing, the page is the live
 * board with the reason in place of the visit. Otherwise it is a short text.
 */
export function pageProblem(problems: ProblemPages, development: boolean): SendError {
  return async (error, request, response) => {
    if (error.retryAfter !== undefined) response.setHeader('Retry-After', error.retryAfter)
    if (isNumberMissing(error) && !wantsJson(request) && (await sentBoard(error, request, response))) return
    response.setHeader('Vary', vary)
    if (wantsJson(request)) return sendError(response, error)
    response.setHeader('Content-Security-Policy', unavailablePagePolicy)
    sendText(response, error.status, 'text/html; charset=utf-8', unavailablePage(error))
  }

  /** @returns false if no board is available, or none in time */
  async function sentBoard(
    { status, code, message }: AnswerError,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<boolean> {
    try {
      const template = await problems.current()
      if (!template) return false
      const values = { nonce: newNonce(), code, message }
      sendFilledPage(request, response, { status, template, values, development })
      return true
    } catch (thrown) {
      const request_id = readRequestId(request)
      log.error('there is no board for a page view that was not counted', { err: thrown, request_id })
      return false
    }
  }
}

/** An overloaded server has no time for a board, and on a stopping one there is nothing to watch. */
function isNumberMissing(error: AnswerError): boolean {
  if (error instanceof OutcomeUnknown) return true
  return error instanceof NotCounted && error.code === 'counter_unavailable'
}

/**
 * Answers 404 for every path that has no endpoint: with `page` to a person, with JSON to scripts and for assets,
 * images, the API and the lab.
 * It renders nothing. Without a page everyone gets JSON.
 */
export function notFoundEndpoint(page: Template<'nonce'> | null): Endpoint {
  return (request, response, url) => {
    if (page && !isForScript(url) && !isIcon(url) && !wantsOther(request) && !isFlightRequest(request, url)) {
      const values = { nonce: newNonce() }
      return sendFilledPage(request, response, { status: 404, template: page, values, development: false })
    }
    response.setHeader('Vary', vary)
    sendError(response, new AnswerError(404, 'not_found', 'There is nothing at this address.'))
  }
}

export function isUnderApi({ pathname }: URL): boolean {
  return pathname === '/api' || pathname.startsWith('/api/')
}

/** Browsers look for an icon at these addresses by themselves, and Safari says that it takes anything. */
function isIcon({ pathname }: URL): boolean {
  return /^\/(?:favicon\.ico|apple-touch-icon[\w-]*\.png)$/.test(pathname)
}

/** Whether the client wants something else than a page: JSON, or a file that a page loads, e.g. an image. */
function wantsOther(request: IncomingMessage): boolean {
  const accept = request.headers.accept ?? ''
  return (
    wantsJson(request) ||
    (/\b(?:image|audio|video|font)\/|text\/css/.test(accept) && !accept.includes('text/html'))
  )
}

function isForScript(url: URL): boolean {
  return isUnderApi(url) || /^\/(?:lab(?:\/|$)|_next\/)/.test(url.pathname)
}

const unavailablePageStyle = `
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.6 system-ui, sans-serif; }
main { max-width: 32rem; padding: 2rem; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; }
`

/** Allows only the page's inline style and images from this origin. */
const unavailablePagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(unavailablePageStyle).digest('base64')}'`,
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A short page for an error. The message is a fixed text, never a visitor's. */
function unavailablePage(error: AnswerError): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Not now · Balance Board</title>
<style>${unavailablePageStyle}</style>
</head>
<body>
<main>
<h1>Not now</h1>
<p>${error.message}</p>
<p><a href="/">Visit again</a></p>
</main>
</body>
</html>
`
}
