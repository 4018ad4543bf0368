import { AnswerError } from '../errors.ts'

/** Seconds after which a page view that got no number should be tried again. */
export const retryAfter = 1

/** Seconds after which a server that had too much to do is worth another try: the load that it refused is still there. */
const retryAfterOverload = 5

/** This server has not counted the page view, and will not. */
export class NotCounted extends AnswerError {
  constructor(
    code: 'overloaded' | 'counter_unavailable' | 'shutting_down',
    message: string,
    seconds = retryAfter,
  ) {
    super(503, code, message, { retryAfter: seconds })
    this.name = 'NotCounted'
  }
}

/** The database gave it no number in time. */
export function counterUnavailable(): NotCounted {
  return new NotCounted(
    'counter_unavailable',
    'The counter cannot be reached right now. This server has not counted this page view.',
  )
}

/** More than this server can answer in time: better refused at once than answered late, and others with it. */
export function overloaded(): NotCounted {
  return new NotCounted(
    'overloaded',
    'More visits are coming in than this server can answer. It has not counted this page view.',
    retryAfterOverload,
  )
}

export function shuttingDown(): NotCounted {
  return new NotCounted('shutting_down', 'This server is stopping. It has not counted this page view.')
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

/** This server cannot count at the moment, and another may: NGINX takes the page view there, with the same request id. */
export class PassedOn extends AnswerError {
  /** a packet with it has left, so this server's commit may count it yet */
  readonly mayBeCommitted: boolean

  constructor(mayBeCommitted: boolean) {
    super(403, 'cannot_count', 'This server cannot count page views at the moment.')
    this.name = 'PassedOn'
    this.mayBeCommitted = mayBeCommitted
  }
}

/** Nobody waits for the answer any more; the page view is not counted. */
export class ClientGone extends Error {
  constructor() {
    super('the client left before its page view was counted')
    this.name = 'ClientGone'
  }
}
