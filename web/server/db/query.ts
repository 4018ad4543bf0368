import { setTimeout as pause } from 'node:timers/promises'
import type { Pool, PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { DatabaseTrouble } from '../errors.ts'
import { takeConnection, type UpkeepPool } from './pools.ts'

/** ms a question of no special urgency may take: a database that hangs must not hold a connection for ever. */
const queryTimeoutMs = 5000

/**
 * Asks the database one thing.
 * @returns the rows, or what a statement that writes did: for the caller to parse
 * @throws DatabaseTrouble when there is no connection, or no answer, within `timeoutMs`
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

/** The same on a connection that the caller holds, for work that is done on one. @throws what the driver throws */
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
 * Does `work` on a connection of its own, which must come within `timeoutMs`. After an error the connection is closed: an
 * answer may still come on it, and the database rolls back what it leaves.
 * @throws DatabaseTrouble
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
    throw new DatabaseTrouble(error)
  }
}

/**
 * Does `work` in one transaction. A restore exchanges all tables (prisma/restore.ts), and waits for transactions: so what
 * `work` removes or writes is in the tables that it read. After an error the caller closes the connection (`onConnection`).
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
 * Does `work` again while the database gives trouble, for up to `patienceMs`: one that just starts, or is busy while many
 * replicas start together, gets some time. @throws the last trouble, or at once what is no trouble of the database's
 */
export async function retryOnTrouble<T>(work: () => Promise<T>, patienceMs: number): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof DatabaseTrouble) || performance.now() > deadline) throw error
      await pause(retryPauseMs)
    }
  }
}

/** What replicas take turns at. */
type LockName = 'register' | 'retention' | 'recount'

// A server may hold several boards, each in a database of its own.
const fullName = "CONCAT(?, '.', DATABASE())"

const held = z.tuple([z.object({ held: z.number().nullable() })])

/** Takes a lock that lasts as long as the connection. @returns false: another held it all the `timeout` seconds */
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
 * Does `work` unless another replica is at it, on the connection that holds the lock: with the lock it loses the means
 * to go on. @throws DatabaseTrouble
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
