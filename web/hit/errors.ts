import { AnswerError } from '../http/errors.ts'

/** Seconds after which a page view that got no number should be tried again. */
export const retryAfter = 1

/** The page view is not counted, and will not be. */
export class NotCounted extends AnswerError {
  constructor(code: 'overloaded' | 'counter_unavailable' | 'shutting_down', message: string) {
    super(503, code, message, { retryAfter })
    this.name = 'NotCounted'
  }
}

/** This server has more page views waiting than it can answer in time: better refused at once than late. */
export function overloaded(): NotCounted {
  return new NotCounted(
    'overloaded',
    'More visits are coming in than this server can count. This one is not counted.',
  )
}

/** A commit was under way when the page view's time was up: it may stand in the log. */
export class OutcomeUnknown extends AnswerError {
  constructor() {
    super(503, 'outcome_unknown', 'This page view may have been counted: the database did not say in time.', {
      retryAfter,
    })
    this.name = 'OutcomeUnknown'
  }
}

/** Nobody waits for the answer any more; the page view is not counted. */
export class ClientGone extends Error {
  constructor() {
    super('the client left before its page view was counted')
    this.name = 'ClientGone'
  }
}
