import type { Pool, PoolConnection } from 'mysql2/promise'
import { DatabaseTrouble } from '../error-code.ts'
import { takeConnection } from './pools.ts'

/** ms a question of no special urgency may take: a database that hangs must not hold a connection for ever. */
const patience = 5000

/**
 * Asks the database one thing.
 * @returns the rows, or what a statement that writes did: for the caller to parse
 * @throws DatabaseTrouble when there is no connection, or no answer, within `timeoutMs`
 */
export function ask(pool: Pool, sql: string, values: unknown[] = [], timeoutMs = patience): Promise<unknown> {
  const endsAt = performance.now() + timeoutMs
  const work = (connection: PoolConnection) =>
    askOn(connection, sql, values, Math.max(1, Math.ceil(endsAt - performance.now())))
  return onConnection(pool, work, timeoutMs)
}

/** The same on a connection that the caller holds, for work that is done on one. @throws what the driver throws */
export async function askOn(
  connection: PoolConnection,
  sql: string,
  values: unknown[] = [],
  timeoutMs = patience,
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
  timeoutMs = patience,
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
  await askOn(connection, 'START TRANSACTION')
  const result = await work()
  await askOn(connection, 'COMMIT')
  return result
}
