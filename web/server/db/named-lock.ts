import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { askOn, onConnection } from './ask.ts'
import type { UpkeepPool } from './pools.ts'

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
  const rows = await askOn(
    connection,
    `SELECT GET_LOCK(${fullName}, ?) AS held`,
    [name, timeout],
    timeout * 1000 + 5000,
  )
  return held.parse(rows)[0].held === 1
}

export async function releaseLock(connection: PoolConnection, name: LockName): Promise<void> {
  await askOn(connection, `SELECT RELEASE_LOCK(${fullName})`, [name])
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
