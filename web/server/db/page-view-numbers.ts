// Where a page view gets its number: the transaction that takes a batch's numbers from the counter and writes its log rows, and
// what an error of it means. hit-store.ts sends it.
import { z } from 'zod'
import { arrivals } from '../../shared/api.ts'
import { shortBucketSeconds } from '../../shared/limits.ts'
import { numberOf } from '../errors.ts'
import { arrivalOf, type CommitFailureKind, type CommitOutcome, type Count, type Hit } from '../hits/hit.ts'
import type { Replication } from './pools.ts'
import { isoTime } from './query.ts'

/** The instance of a replica that counts a batch. */
export type CountingServer = { id: number; srv_id: string }

/** Statements of a transaction, in order. */
type Step =
  | 'begin'
  | 'lock'
  | 'counter'
  | 'time'
  | 'log'
  | 'requests'
  | 'server'
  | 'bucket'
  | 'result'
  | 'end'

/** The database's error for a batch whose replica has no row in `server`. Nothing of the batch is counted. */
export const noOwnRow = 'ER_BAD_NULL_ERROR'

/** The highest number that JavaScript represents exactly: 2^53 - 1. */
export const highestNumber = Number.MAX_SAFE_INTEGER

/** The statements of a batch but for the start of the transaction. */
export type Batch = {
  /** how many hits */
  size: number
  /** takes the numbers: fails for a counter that cannot be used */
  counter: string
  /** log rows, in `@at` */
  log: string
  /** request ids, and what follows */
  requests: string
  /** ends it, after the result */
  end: 'COMMIT' | 'ROLLBACK'
}

/**
 * Builds one transaction for a batch of n hits: n numbers from the counter, n log rows, n request ids, and n added to the server's
 * totals, by arrival too. `transactionOf` makes one packet of it. `end`: ROLLBACK only tests whether the batch could be committed.
 * A request id that is already in the log violates its unique key and fails the whole batch.
 */
export function batchOf(hits: Hit[], server: CountingServer, end: Batch['end']): Batch {
  const n = hits.length
  // LAST_INSERT_ID() is the counter's new value on this connection, so the rows need no answer from the database.
  // Source: https://dev.mysql.com/doc/refman/9.7/en/information-functions.html#function_last-insert-id
  const number = (index: number) => `LAST_INSERT_ID() - ${n - 1 - index}`
  const logRows = hits.map((hit, index) => {
    const cookie = hit.cookieSrvId === null ? 'NULL' : literal(hit.cookieSrvId)
    return `(${number(index)}, @at, ${literal(hit.clientIp)}, ${literal(server.srv_id)}, ${server.id}, ${cookie}, ${literal(hit.requestId)})`
  })
  const requests = hits.map((hit, index) => `(${literal(hit.requestId)}, ${number(index)})`)
  // Past the highest number the sum overflows BIGINT UNSIGNED: the statement fails and nothing is counted.
  const tooHigh = `~0 * (value > ${highestNumber - n})`
  return {
    size: n,
    counter: `UPDATE global_counter SET value = LAST_INSERT_ID(value + ${n} + ${tooHigh}) WHERE id = 1`,
    log: `INSERT INTO access_log (id, created_at, client_ip, srv_id, server_id, cookie_srv_id, request_id) VALUES ${logRows.join(', ')}`,
    requests: [
      `INSERT INTO recent_request (request_id, id) VALUES ${requests.join(', ')}`,
      `UPDATE server SET hits = hits + ${n}, ${addArrivals(hits, server)}, commits = commits + 1, last_seen_at = @at WHERE id = ${server.id} AND srv_id = ${literal(server.srv_id)} AND gone_at IS NULL`,
      // If the server's row is missing, as after a restore, the id is NULL: server_bucket rejects it and nothing is counted.
      `INSERT INTO server_bucket (start, server_id, hits) VALUES (${bucketStart('@at')}, IF(ROW_COUNT() = 1, ${server.id}, NULL), ${n}) ON DUPLICATE KEY UPDATE hits = hits + ${n}`,
      'SELECT LAST_INSERT_ID() AS last, CAST(@at AS CHAR(23)) AS at',
    ].join('; '),
    end,
  }
}

/** SQL expression: the start of the history's short bucket that a time is in. */
export function bucketStart(time: string): string {
  return `DATE_FORMAT(${time}, '%Y-%m-%d %H:%i:%s') - INTERVAL SECOND(${time}) % ${shortBucketSeconds} SECOND`
}

/** Adds the batch's new, returning and moved hits to the server's columns of those names. */
function addArrivals(hits: Hit[], server: CountingServer): string {
  const counted = hits.map(hit => arrivalOf(hit.cookieSrvId, server.srv_id))
  return arrivals
    .map(arrival => {
      const n = counted.filter(other => other === arrival).length
      return `${arrival}_hits = ${arrival}_hits + ${n}`
    })
    .join(', ')
}

/** What is sent for a batch, and which step failed if the database answered `n` statements and then with an error: `steps[n]`. */
export type Transaction = { sql: string; steps: readonly Step[] }

/**
 * How long a batch waits for the counter's lock. 'session': as its session's `innodb_lock_wait_timeout` says, a second. A number: so many
 * ms; 0, and on Galera every number: not at all.
 */
export type LockWait = 'session' | number

/**
 * A batch as one packet: a replica that freezes or dies in the middle cannot keep the counter's lock. If the lock is not free
 * within `wait`, the batch fails.
 */
export function transactionOf(batch: Batch, wait: LockWait, replication: Replication): Transaction {
  return replication === 'galera' ? compoundOf(batch, wait) : packetOf(batch, wait, replication)
}

const counterForUpdate = 'value FROM global_counter WHERE id = 1 FOR UPDATE'

/**
 * Takes the counter's lock within so many ms. InnoDB's limit on a lock wait is in whole seconds, so this limits the time of the statement:
 * by a setting in MariaDB (MySQL skips the first comment), by a hint in MySQL.
 * Source: https://mariadb.com/docs/server/ha-and-performance/optimization-and-tuning/query-optimizations/aborting-statements,
 * https://dev.mysql.com/doc/refman/9.7/en/optimizer-hints.html#optimizer-hints-execution-time
 */
function lockCounterWithin(ms: number): string {
  if (ms <= 0) return `SELECT ${counterForUpdate} NOWAIT`
  return `/*M! SET STATEMENT max_statement_time = ${ms / 1000} FOR */ SELECT /*+ MAX_EXECUTION_TIME(${ms}) */ ${counterForUpdate}`
}

const batchSteps = ['counter', 'time', 'log', 'requests', 'server', 'bucket', 'result', 'end'] as const
const packetSteps: readonly Step[] = ['begin', ...batchSteps]
const limitedSteps: readonly Step[] = ['begin', 'lock', ...batchSteps]

/** Several statements, each with an answer. One that fails stops the packet. */
function packetOf(batch: Batch, wait: LockWait, replication: Exclude<Replication, 'galera'>): Transaction {
  const { counter, log, requests, end } = batch
  const begin = wait === 'session' ? ['START TRANSACTION'] : ['START TRANSACTION', lockCounterWithin(wait)]
  const sql = [...begin, counter, timeSql(batch, replication), log, requests, end].join('; ')
  return { sql, steps: wait === 'session' ? packetSteps : limitedSteps }
}

/**
 * One statement, for Galera. There another node's transaction can abort this one between two statements. The packet would not
 * stop: the next statement would run outside a transaction and succeed, and answers would have numbers without a row in the log. Here
 * every error ends the whole statement. Only its SELECTs are answered before the end, so one stands between log and request ids,
 * to tell a repeated request id from a number that is in the log.
 * Source: https://mariadb.com/kb/en/begin-end/
 */
function compoundOf(batch: Batch, wait: LockWait): Transaction {
  const { counter, log, requests, end } = batch
  const statements = [
    'DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END',
    'START TRANSACTION',
    // MariaDB takes no NOWAIT here, and no limit on a statement's time: a limited wait is none.
    ...(wait === 'session'
      ? []
      : [`SET STATEMENT innodb_lock_wait_timeout = 0 FOR SELECT ${counterForUpdate}`]),
    ...[counter, timeSql(batch, 'galera'), log, 'SELECT 1', requests, end],
  ]
  const sql = `BEGIN NOT ATOMIC ${statements.join('; ')}; END`
  return { sql, steps: wait === 'session' ? compoundSteps : ['lock', ...compoundSteps] }
}

const compoundSteps: readonly Step[] = ['log', 'requests', 'end']

/** Seconds that a database server's clock may be behind the one before it, and no time goes back. */
const clockSkewSeconds = 10

/**
 * Sets `@at`, the batch's time. It is taken under the counter's lock from the clock that all replicas share, so times rise with
 * the numbers. Without a counter row LAST_INSERT_ID() is stale: the time is then NULL, which access_log rejects.
 * With several database servers the clock is that of the one that writes now. If it is behind the time of the last number, that
 * time counts; unless it is far behind: then the other clock may have been wrong, and times must not stand still for long.
 */
function timeSql({ size }: Batch, replication: Replication): string {
  const now = 'UTC_TIMESTAMP(3)'
  if (replication === 'none') return `SET @at = IF(ROW_COUNT() = 1, ${now}, NULL)`
  const lastSql = `SELECT created_at FROM access_log
    WHERE id = LAST_INSERT_ID() - ${size} AND created_at < ${now} + INTERVAL ${clockSkewSeconds} SECOND`
  return `SET @at = IF(ROW_COUNT() = 1, GREATEST(${now}, COALESCE((${lastSql}), ${now})), NULL)`
}

const resultRow = z.tuple([z.object({ last: z.number().int(), at: isoTime })])

/** Reads a packet's results. The statement before the commit returns the last number and the time. */
export function countsFrom(results: unknown, n: number): Count[] {
  const [{ last, at }] = resultRow.parse(z.array(z.unknown()).parse(results).at(-2))
  return Array.from({ length: n }, (_, index) => ({ id: last - (n - 1 - index), at }))
}

/** Quotes an id (hex) or an address (hex, dots, colons). Throws for any other text: it must not reach a packet. */
function literal(text: string): string {
  if (!/^[0-9a-f.:]{1,45}$/.test(text))
    throw new TypeError(`cannot be written into a batch: ${JSON.stringify(text)}`)
  return `'${text}'`
}

export const findRecentRequestsSql = `SELECT r.request_id, r.id, a.created_at
  FROM recent_request r JOIN access_log a ON a.id = r.id
  WHERE r.request_id IN (?)`

const recentRequests = z.array(
  z.object({ request_id: z.string(), id: z.number().int(), created_at: isoTime }),
)

/** Counts by request id, from the rows of `findRecentRequestsSql`. */
export function recentRequestsFrom(rows: unknown): Map<string, Count> {
  return new Map(recentRequests.parse(rows).map(row => [row.request_id, { id: row.id, at: row.created_at }]))
}

/**
 * Errors with which the server ends a connection. The server may send one while it still executes a packet.
 * Compared by number: the driver knows only the names of MySQL's errors, not MariaDB's.
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

/**
 * Errors of a server that is not in the part of its cluster that may write. It does nothing, and another server can.
 * Source: https://galeracluster.com/library/documentation/notification-cmd.html for 1047
 */
const notInCluster = new Set([
  1047, // ER_UNKNOWN_COM_ERROR: "WSREP has not yet prepared node for application use"
])

/**
 * Errors of a commit that say that another transaction of the cluster won: this one is rolled back on all servers. Any other error
 * of a commit, for example 1180 (ER_ERROR_DURING_COMMIT), may come after the other servers have got the transaction.
 */
const lostToAnother = new Set([
  1213, // ER_LOCK_DEADLOCK: Galera's certification
  3101, // ER_TRANSACTION_ROLLBACK_DURING_COMMIT: Group Replication's
])

const contentions = new Set([
  1205, // ER_LOCK_WAIT_TIMEOUT
  1213, // ER_LOCK_DEADLOCK
  3572, // ER_LOCK_NOWAIT
])

/** Errors of a statement that took longer than its limit: `lockCounterWithin` sets one, and others the owner of the database may have set. */
const statementTimeouts = new Set([
  1969, // ER_STATEMENT_TIMEOUT, MariaDB
  3024, // ER_QUERY_TIMEOUT, MySQL
])

/** ER_DUP_ENTRY */
const duplicateKey = 1062

/** What an error means for a batch that was sent. */
type Verdict = { outcome: CommitOutcome; kind: CommitFailureKind }

/**
 * Judges by the step that failed, not by the error's name. A statement that the server answers with an error had no effect
 * and stops the packet; the earlier ones are rolled back with the transaction. So the batch is certainly not committed,
 * unless the failed statement is the commit. Without an answer from the server the outcome is unknown.
 */
export function judgeFailure(error: unknown, step: Step): Verdict {
  const kind = kindOfFailure(error)
  if (step === 'end' && lostToAnother.has(numberOf(error)))
    return { outcome: 'rolled_back', kind: 'contention' }
  if (step === 'end') return { outcome: 'unknown', kind: kind === 'away' ? 'away' : 'refused' }
  if (kind === 'away' && !notInCluster.has(numberOf(error))) return { outcome: 'unknown', kind }
  const waitsForCounter = step === 'lock' || step === 'counter'
  if (waitsForCounter && statementTimeouts.has(numberOf(error)))
    return { outcome: 'rolled_back', kind: 'contention' }
  // In any other table a duplicate key means that the counter is behind the log.
  const isRepeat = numberOf(error) === duplicateKey && step === 'requests'
  return { outcome: 'rolled_back', kind: isRepeat ? 'repeat' : kind }
}

/** What a statement's error says about the database. */
export function kindOfFailure(error: unknown): 'away' | 'contention' | 'refused' {
  if (!isServerError(error) || connectionEndings.has(numberOf(error)) || notInCluster.has(numberOf(error)))
    return 'away'
  return contentions.has(numberOf(error)) ? 'contention' : 'refused'
}

/** Only errors that the server sent have an SQL state. */
function isServerError(error: unknown): boolean {
  return error instanceof Error && 'sqlState' in error
}
