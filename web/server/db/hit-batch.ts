import { z } from 'zod'
import { codeOf, numberOf } from '../errors.ts'
import type { CommitFailureKind, CommitOutcome, Count, Hit } from '../hits/hit.ts'
import { toIsoTime } from './pools.ts'

/** The replica, and the life of it, that a batch is counted for. */
export type CountingServer = { id: number; srv_id: string }

/** The statements of a packet, each by what it does, in their order. */
type Step = 'begin' | 'lock' | 'counter' | 'time' | 'log' | 'requests' | 'server' | 'minute' | 'tell' | 'end'

const batchSteps: readonly Step[] = ['counter', 'time', 'log', 'requests', 'server', 'minute', 'tell', 'end']

/** What the database calls it when a replica has no row to count its hits in: a batch is refused whole. */
export const noOwnRow = 'ER_BAD_NULL_ERROR'

/** The highest number that JavaScript, and so every answer, can say exactly: 2^53 - 1. */
export const highestNumber = Number.MAX_SAFE_INTEGER

/**
 * One batch of hits as one transaction in one packet: n numbers from the counter, n log rows, n request ids, n more on
 * the server's totals. In one packet no replica, frozen or killed in the middle, can go on holding the counter's lock.
 * A request id that is in the log already breaks its unique key, and with it the whole batch.
 * What is returned goes on after `beginBatch`. `end`: ROLLBACK only tries whether it could be committed.
 */
export function batchPacket(hits: Hit[], server: CountingServer, end: 'COMMIT' | 'ROLLBACK'): string {
  const n = hits.length
  // The counter's new value is this connection's LAST_INSERT_ID, so no answer is needed to write the rows.
  // Source: https://dev.mysql.com/doc/refman/9.7/en/information-functions.html#function_last-insert-id
  const number = (index: number) => `LAST_INSERT_ID() - ${n - 1 - index}`
  const logRows = hits.map((hit, index) => {
    const cookie = hit.cookieSrvId === null ? 'NULL' : literal(hit.cookieSrvId)
    return `(${number(index)}, @at, ${literal(hit.clientIp)}, ${literal(server.srv_id)}, ${server.id}, ${cookie}, ${literal(hit.requestId)})`
  })
  const requests = hits.map((hit, index) => `(${literal(hit.requestId)}, ${number(index)})`)
  // Past the highest number the sum leaves BIGINT UNSIGNED: an error, so nothing is counted.
  const tooHigh = `~0 * (value > ${highestNumber - n})`
  return [
    `UPDATE global_counter SET value = LAST_INSERT_ID(value + ${n} + ${tooHigh}) WHERE id = 1`,
    // Under the counter's lock and by the one clock that all replicas share: times rise with the numbers. Without a counter
    // LAST_INSERT_ID() is of another statement: then the time is NULL, which the log refuses.
    'SET @at = IF(ROW_COUNT() = 1, UTC_TIMESTAMP(3), NULL)',
    `INSERT INTO access_log (id, created_at, client_ip, srv_id, server_id, cookie_srv_id, request_id) VALUES ${logRows.join(', ')}`,
    `INSERT INTO recent_request (request_id, id) VALUES ${requests.join(', ')}`,
    `UPDATE server SET hits = hits + ${n}, last_seen_at = @at WHERE id = ${server.id} AND srv_id = ${literal(server.srv_id)} AND gone_at IS NULL`,
    // No such row, as after a restore: the id is NULL, which this table refuses, and nothing is counted.
    `INSERT INTO server_minute (minute, server_id, hits) VALUES (DATE_FORMAT(@at, '%Y-%m-%d %H:%i:00'), IF(ROW_COUNT() = 1, ${server.id}, NULL), ${n}) ON DUPLICATE KEY UPDATE hits = hits + ${n}`,
    'SELECT LAST_INSERT_ID() AS last, CAST(@at AS CHAR(23)) AS at',
    end,
  ].join('; ')
}

/** The packet's beginning, and the steps of the whole. `waits`: for the counter's lock; else a counter that is locked refuses the batch at once. */
export function beginBatch(waits: boolean): { sql: string; steps: readonly Step[] } {
  return waits ? waiting : impatient
}

const waiting = { sql: 'START TRANSACTION; ', steps: ['begin', ...batchSteps] as const }
const impatient = {
  sql: 'START TRANSACTION; SELECT value FROM global_counter WHERE id = 1 FOR UPDATE NOWAIT; ',
  steps: ['begin', 'lock', ...batchSteps] as const,
}

const toldRow = z.tuple([z.object({ last: z.number().int(), at: z.string() })])

/** Reads the packet's results: the last number and the time stand in the row before the commit's. */
export function countsFrom(results: unknown, n: number): Count[] {
  const [told] = toldRow.parse(z.array(z.unknown()).parse(results).at(-2))
  const at = toIsoTime(told.at)
  return Array.from({ length: n }, (_, index) => ({ id: told.last - (n - 1 - index), at }))
}

/** Ids are hex, addresses hex with dots and colons; anything else must never reach a packet. */
function literal(text: string): string {
  if (!/^[0-9a-f.:]{1,45}$/.test(text))
    throw new TypeError(`not to be written into a batch: ${JSON.stringify(text)}`)
  return `'${text}'`
}

export const findRecentRequestsSql = `SELECT r.request_id, r.id, a.created_at
  FROM recent_request r JOIN access_log a ON a.id = r.id
  WHERE r.request_id IN (?)`

const found = z.array(z.object({ request_id: z.string(), id: z.number().int(), created_at: z.string() }))

/** The counts of request ids that are in the log already, from the rows of `findRecentRequestsSql`. */
export function recentRequestsFrom(rows: unknown): Map<string, Count> {
  return new Map(
    found.parse(rows).map(row => [row.request_id, { id: row.id, at: toIsoTime(row.created_at) }]),
  )
}

/**
 * Errors with which the server ends a connection. It may send one beside the answers to a packet that it still carries out.
 * By their numbers: the driver has names for MySQL's errors alone, and gives MariaDB's without one.
 * Source: https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html, and for 1927
 * https://mariadb.com/kb/en/mariadb-error-code-reference/
 */
const connectionEndings = new Set([
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
type Verdict = { outcome: CommitOutcome; kind: CommitFailureKind }

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
  if (!isServerError(error) || connectionEndings.has(numberOf(error))) return 'away'
  return contentions.has(codeOf(error)) ? 'contention' : 'refused'
}

/** Only errors that the server sent have its state. */
function isServerError(error: unknown): boolean {
  return error instanceof Error && 'sqlState' in error
}
