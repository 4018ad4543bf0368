import { setTimeout as pause } from 'node:timers/promises'
import type { Pool, PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { queryTimeoutMs } from '../../shared/limits.ts'
import { DatabaseUnavailable } from '../errors.ts'
import { takeConnection, type UpkeepPool } from './pools.ts'

/**
 * Runs one statement.
 * @returns the rows, or the result of a write: the caller parses it
 * @throws DatabaseUnavailable without a connection or an answer within `timeoutMs`
 */
export function query(
  pool: Pool,
  sql: string,
  values: unknown[] = [],
  timeoutMs = queryTimeoutMs,
): Promise<unknown> {
  const endsAt = performance.now() + timeoutMs
  const work = (connection: PoolConnection) =>
    queryOn(connection, sql, values, Math.max(1, Math.ceil(endsAt - performance.now())))
  return onConnection(pool, work, timeoutMs)
}

/** Runs one statement on a connection that the caller holds. @throws the driver's error */
export async function queryOn(
  connection: PoolConnection,
  sql: string,
  values: unknown[] = [],
  timeoutMs = queryTimeoutMs,
): Promise<unknown> {
  const [result] = await connection.query({ sql, values, timeout: timeoutMs })
  return result
}

/**
 * Runs `work` on a connection, which must be free within `timeoutMs`. After an error the connection is closed: an answer may
 * still arrive on it, and the database rolls back an open transaction.
 * @throws DatabaseUnavailable
 */
export async function onConnection<T>(
  pool: Pool,
  work: (connection: PoolConnection) => Promise<T>,
  timeoutMs = queryTimeoutMs,
): Promise<T> {
  let connection: PoolConnection | null = null
  try {
    connection = await takeConnection(pool, timeoutMs)
    const result = await work(connection)
    connection.release()
    return result
  } catch (error) {
    connection?.destroy()
    throw new DatabaseUnavailable(error)
  }
}

/**
 * Runs `work` in one transaction. A restore swaps all tables (prisma/restore.ts) and waits for transactions, so `work` writes
 * to the same tables that it read. After an error the caller must close the connection, as `onConnection` does.
 */
export async function inTransaction<T>(connection: PoolConnection, work: () => Promise<T>): Promise<T> {
  await queryOn(connection, 'START TRANSACTION')
  const result = await work()
  await queryOn(connection, 'COMMIT')
  return result
}

/** ms between two tries */
const retryPauseMs = 200

/**
 * Retries `work` for up to `timeoutMs` while the database is unavailable, e.g. while it starts or many replicas start together.
 * @throws the last DatabaseUnavailable, or any other error immediately
 */
export async function retryWhileUnavailable<T>(work: () => Promise<T>, timeoutMs: number): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || performance.now() > deadline) throw error
      await pause(retryPauseMs)
    }
  }
}

/** Parses the database's UTC time '2026-11-22 12:04:31.203' to '2026-11-22T12:04:31.203Z'. */
export const isoTime = z.string().transform(databaseTime => {
  const [date, time = '00:00:00'] = databaseTime.split(' ')
  const [seconds, fraction = ''] = time.split('.')
  return `${date}T${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}Z`
})

/** Work that only one replica may do at a time. */
type LockName = 'register' | 'retention' | 'recount' | 'control'

// A database server may hold several boards, each in a separate database.
const fullName = "CONCAT(?, '.', DATABASE())"

const held = z.tuple([z.object({ held: z.number().nullable() })])

/** Takes a lock that lasts as long as the connection. @returns false if another replica held it for `timeout` seconds */
export async function takeLock(
  connection: PoolConnection,
  name: LockName,
  timeout: number,
): Promise<boolean> {
  const rows = await queryOn(
    connection,
    `SELECT GET_LOCK(${fullName}, ?) AS held`,
    [name, timeout],
    timeout * 1000 + 5000,
  )
  return held.parse(rows)[0].held === 1
}

export async function releaseLock(connection: PoolConnection, name: LockName): Promise<void> {
  await queryOn(connection, `SELECT RELEASE_LOCK(${fullName})`, [name])
}

/**
 * Runs `work` unless another replica is running it. It runs on the connection that holds the lock: if the lock is lost,
 * `work` cannot go on. @throws DatabaseUnavailable
 */
export async function ifAlone(
  pool: UpkeepPool,
  name: LockName,
  work: (connection: PoolConnection) => Promise<void>,
): Promise<void> {
  await onConnection(pool, async connection => {
    if (!(await takeLock(connection, name, 0))) return
    await work(connection)
    await releaseLock(connection, name)
  })
}
