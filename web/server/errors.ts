/** An error that is an answer: thrown anywhere under an endpoint, sent as `{error: {code, message}}` with its status. */
export class AnswerError extends Error {
  readonly status: number
  readonly code: string
  /** seconds the client should wait before it asks again, sent as Retry-After */
  readonly retryAfter: number | undefined

  constructor(status: number, code: string, message: string, options: { retryAfter?: number } = {}) {
    super(message)
    this.name = 'AnswerError'
    this.status = status
    this.code = code
    this.retryAfter = options.retryAfter
  }
}

/** A query parameter that cannot be taken; the message says which and why. */
export class BadParameter extends AnswerError {
  constructor(name: string, why: string) {
    super(400, 'bad_parameter', `${name}: ${why}`)
    this.name = 'BadParameter'
  }
}
