import { codeOf } from '../error-code.ts'

/**
 * Server errors after which the statement surely had no effect and the session goes on. Anything else, from a lost
 * connection to a shutdown in the middle of a commit, leaves the outcome open.
 * Source: https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html
 */
const finalRefusals = new Set([
  'ER_DUP_ENTRY',
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_LOCK_NOWAIT',
  'ER_OPTION_PREVENTS_STATEMENT',
  'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
  'ER_READ_ONLY_MODE',
  'ER_RECORD_FILE_FULL',
  'ER_DISK_FULL',
  'ER_WARN_DATA_OUT_OF_RANGE',
  'ER_DATA_OUT_OF_RANGE',
  'ER_NO_SUCH_TABLE',
  'ER_BAD_FIELD_ERROR',
  'ER_PARSE_ERROR',
])

export function isFinalRefusal(error: unknown): boolean {
  return finalRefusals.has(codeOf(error))
}

/** The database did not answer, or not as it should; `cause` says how. */
export class DatabaseTrouble extends Error {
  constructor(cause: unknown) {
    super(`the database: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'DatabaseTrouble'
  }
}
