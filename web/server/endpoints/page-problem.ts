import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnswerError } from '../errors.ts'
import { NotCounted, OutcomeUnknown } from '../hits/errors.ts'
import { sendError, sendText } from '../http/answer.ts'
import { wantsJson } from '../http/page-view-request.ts'
import type { SendError } from '../http/router.ts'
import { newNonce } from '../render/content-security-policy.ts'
import type { ProblemPages } from '../render/problem-pages.ts'
import { sendFilledPage, vary } from './send-filled-page.ts'
import { unavailablePage, unavailablePagePolicy } from './unavailable-page.ts'

/**
 * Answers a page view that came to nothing: a script with JSON, a person with a page. Where only the number is missing that
 * page is the board, alive, with the reason in the visit's place; else a few plain words.
 */
export function pageProblem(problems: ProblemPages, development: boolean): SendError {
  return async (error, request, response) => {
    if (error.retryAfter !== undefined) response.setHeader('Retry-After', error.retryAfter)
    if (lacksOnlyItsNumber(error) && !wantsJson(request) && (await sentBoard(error, request, response)))
      return
    response.setHeader('Vary', vary)
    if (wantsJson(request)) return sendError(response, error)
    response.setHeader('Content-Security-Policy', unavailablePagePolicy)
    sendText(response, error.status, 'text/html; charset=utf-8', unavailablePage(error))
  }

  /** false = there is none to show, or none in time */
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
      console.error('no board for a page view that was not counted:', thrown)
      return false
    }
  }
}

/** While this server is saturated a board is more than it can give, and there is nothing to watch where it is stopping. */
function lacksOnlyItsNumber(error: AnswerError): boolean {
  if (error instanceof OutcomeUnknown) return true
  return error instanceof NotCounted && error.code === 'counter_unavailable'
}
