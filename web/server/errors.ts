/** A failure whose message is shown to a person as it is written here: without a stack, in whole sentences, with no password. */
export class UserError extends Error {
  override readonly name: string = 'UserError'
}

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

/** A server cannot be asked to drain, or did not answer; the message is one clear sentence. */
export class DrainRefused extends UserError {
  override readonly name = 'DrainRefused'
}

/**
 * What Node, the driver or the database calls an error, e.g. `ECONNREFUSED`, `ER_DUP_ENTRY`, or `ERROR_1969` where the driver
 * knows only the database's number; '' for one without either.
 */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  return numberOf(error) > 0 ? `ERROR_${numberOf(error)}` : ''
}

/** The number of an error, as the database or the system counts them; 0 for one without. */
export function numberOf(error: unknown): number {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? error.errno : 0
}

/** What an error says in words. One that gathers several, as of a name with two addresses, has only a code. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error && error.message) || codeOf(error) || String(error)
}

/** The database did not answer, or not as it should; `cause` says how. */
export class DatabaseTrouble extends UserError {
  override readonly name = 'DatabaseTrouble'

  constructor(cause: unknown) {
    super(`the database: ${reasonOf(cause)}`, { cause })
  }
}
