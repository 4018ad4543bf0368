import { codeOf, numberOf } from '../error-code.ts'
import type { CommitFailureKind, CommitOutcome } from '../hits/hit-store.ts'
import type { Step } from './commit-hits.ts'

/**
 * Errors with which the server ends a connection. It may send one beside the answers to a packet that it still carries out.
 * By their numbers: the driver has names for MySQL's errors alone, and gives MariaDB's without one.
 * Source: https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html, and for 1927
 * https://mariadb.com/kb/en/mariadb-error-code-reference/
 */
const farewells = new Set([
  1053, // ER_SERVER_SHUTDOWN
  1077, // ER_NORMAL_SHUTDOWN
  1079, // ER_SHUTDOWN_COMPLETE
  1080, // ER_FORCING_CLOSE
  1152, // ER_ABORTING_CONNECTION
  1184, // ER_NEW_ABORTING_CONNECTION
  1927, // ER_CONNECTION_KILLED, MariaDB
  3169, // ER_SESSION_WAS_KILLED
  4031, // ER_CLIENT_INTERACTION_TIMEOUT
])

const contentions = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_LOCK_NOWAIT'])

/** What an error says of a batch that was sent. */
export type Verdict = { outcome: CommitOutcome; kind: CommitFailureKind }

/**
 * By the step of the packet that failed, not by the error's name: a statement that the server answers with an error had no
 * effect, it stops the packet, and what came before it is rolled back with the transaction. So the batch is committed for
 * certain not, unless the failed statement is the commit itself. Without the server's own word nothing is known.
 */
export function judgeFailure(error: unknown, step: Step): Verdict {
  const kind = kindOfFailure(error)
  if (kind === 'away') return { outcome: 'unknown', kind }
  if (step === 'end') return { outcome: 'unknown', kind: 'refused' }
  // In any other table a duplicate key is no repeat: the counter is behind the log.
  const isRepeat = codeOf(error) === 'ER_DUP_ENTRY' && step === 'requests'
  return { outcome: 'rolled_back', kind: isRepeat ? 'repeat' : kind }
}

/** What the error of a statement says of the database. */
export function kindOfFailure(error: unknown): 'away' | 'contention' | 'refused' {
  if (!isServerError(error) || farewells.has(numberOf(error))) return 'away'
  return contentions.has(codeOf(error)) ? 'contention' : 'refused'
}

/** Only errors that the server sent have its state. */
function isServerError(error: unknown): boolean {
  return error instanceof Error && 'sqlState' in error
}
