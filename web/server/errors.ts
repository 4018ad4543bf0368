/**
 * A failure whose message is shown to a person unchanged: without a stack, in whole sentences, with no
 * password.
 */
export class UserError extends Error {
  override readonly name: string = 'UserError'
}

/** An error that is an answer: thrown anywhere under an endpoint, sent as `{error: {code, message}}` with its status. */
export class AnswerError extends Error {
  readonly status: number
  readonly code: string
  /** seconds the client should wait before its next request, sent as Retry-After */
  readonly retryAfter: number | undefined

  constructor(status: number, code: string, message: string, options: { retryAfter?: number } = {}) {
    super(message)
    this.name = 'AnswerError'
    this.status = status
    this.code = code
    this.retryAfter = options.retryAfter
  }
}

/** An invalid query parameter. The message says which and why. */
export class BadParameter extends AnswerError {
  constructor(name: string, why: string) {
    super(400, 'bad_parameter', `${name}: ${why}`)
    this.name = 'BadParameter'
  }
}

/** A server does not do what control wants of it, or did not answer. The message is one sentence. */
export class ControlRefused extends UserError {
  override readonly name = 'ControlRefused'
  readonly code: 'refused' | 'no_server' | 'last_server' | 'not_acknowledged' | 'too_late' | 'outcome_unknown'

  constructor(message: string, code: ControlRefused['code'] = 'refused') {
    super(message)
    this.code = code
  }
}

/**
 * The error's name in Node, the driver or the database, e.g. `ECONNREFUSED`, `ER_DUP_ENTRY`, or `ERROR_1969` if the
 * driver knows only the database's number. '' if it has neither.
 */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  return numberOf(error) > 0 ? `ERROR_${numberOf(error)}` : ''
}

/** The error's number in the database or the system; 0 if it has none. */
export function numberOf(error: unknown): number {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? error.errno : 0
}

/** The error in words. An error that combines several, e.g. for a name with two addresses, has only a code. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error && error.message) || codeOf(error) || String(error)
}

/** The database did not answer, or answered with an error; `cause` has it. */
export class DatabaseUnavailable extends UserError {
  override readonly name = 'DatabaseUnavailable'

  constructor(cause: unknown) {
    super(`the database: ${reasonOf(cause)}`, { cause })
  }
}
