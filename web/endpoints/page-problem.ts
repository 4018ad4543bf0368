import { NotCounted, OutcomeUnknown } from '../hit/errors.ts'
import { sendError, sendText } from '../http/answer.ts'
import type { AnswerError } from '../http/errors.ts'
import { wantsJson } from '../http/page-view-request.ts'
import type { SendError } from '../http/router.ts'
import { contentSecurityPolicy, newNonce } from '../page/content-security-policy.ts'
import type { ProblemPages } from '../page/problem-pages.ts'
import { unavailablePage, unavailablePagePolicy } from '../page/unavailable-page.ts'

/**
 * Answers a page view that came to nothing: a script with JSON, a person with a page. Where only the number is missing that
 * page is the board, alive, with the reason in the visit's place; else a few plain words.
 */
export function pageProblem(problems: ProblemPages, development: boolean): SendError {
  return async (error, request, response) => {
    response.setHeader('Vary', 'Accept')
    if (wantsJson(request)) return sendError(response, error)
    if (error.retryAfter !== undefined) response.setHeader('Retry-After', error.retryAfter)
    const nonce = newNonce()
    const board = lacksOnlyItsNumber(error) ? await fillBoard(error, nonce) : null
    const policy = board === null ? unavailablePagePolicy : contentSecurityPolicy(nonce, development)
    response.setHeader('Content-Security-Policy', policy)
    sendText(response, error.status, 'text/html; charset=utf-8', board ?? unavailablePage(error))
  }

  /** null when there is none to show */
  async function fillBoard({ code, message }: AnswerError, nonce: string): Promise<string | null> {
    try {
      const template = await problems.current()
      return template.fill({ nonce, code, message })
    } catch (thrown) {
      console.error('no board for a page view that was not counted:', thrown)
      return null
    }
  }
}

/** While this server is saturated a board is more than it can give, and there is nothing to watch where it is stopping. */
function lacksOnlyItsNumber(error: AnswerError): boolean {
  if (error instanceof OutcomeUnknown) return true
  return error instanceof NotCounted && error.code === 'counter_unavailable'
}
