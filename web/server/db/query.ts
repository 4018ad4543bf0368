import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Pool, PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { queryTimeoutMs } from '../../shared/limits.ts'
import { codeOf, DatabaseUnavailable } from '../errors.ts'
import { takeConnection } from './pools.ts'

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
 * Runs `work` in one transaction, which renews the connection's lease if there is one (`ifAlone`). A restore swaps all tables
 * (prisma/restore.ts) and waits for transactions, so `work` writes to the same tables that it read. After an error the caller must
 * close the connection, as `onConnection` does.
 */
export async function inTransaction<T>(connection: PoolConnection, work: () => Promise<T>): Promise<T> {
  await queryOn(connection, 'START TRANSACTION')
  await renewLease(connection)
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
type LeaseName = 'register' | 'retention' | 'recount' | 'control'

/** Seconds that a lease lasts if it is not renewed: longer than the statements between two renewals take. */
const leaseSeconds: Record<LeaseName, number> = { register: 8, control: 8, retention: 30, recount: 30 }

/** ms between two tries to take a lease */
const leasePauseMs = 50

type Lease = { name: LeaseName; owner: string }

/** The lease under which a connection works. */
const leases = new WeakMap<PoolConnection, Lease>()

/**
 * Runs `work` unless another replica is running it, whichever database server that one uses. The right to run it is a lease: a row
 * with an owner and an end, by the database's clock. Each transaction of `work` (`inTransaction`) renews the lease and fails if
 * another replica has it by now, so a replica that was frozen cannot go on. If a replica dies, its lease ends by itself.
 * @returns the result of `work`; null if another replica had the lease
 * @throws DatabaseUnavailable
 */
export async function ifAlone<T>(
  pool: Pool,
  name: LeaseName,
  work: (connection: PoolConnection) => Promise<T>,
  { waitMs = 0, restMs = 0, read = pool }: LeaseOptions = {},
): Promise<{ result: T } | null> {
  const lease = { name, owner: randomBytes(16).toString('hex') }
  const deadline = performance.now() + waitMs
  while (!(await takeLease(pool, lease, read))) {
    if (performance.now() >= deadline) return null
    await pause(leasePauseMs)
  }
  let doneMs = 0
  try {
    return await onConnection(pool, async connection => {
      leases.set(connection, lease)
      const result = await work(connection)
      doneMs = restMs
      return { result }
    })
  } finally {
    // If this fails, the lease ends by itself.
    const values = [doneMs * 1000, name, lease.owner]
    await query(pool, endLeaseSql, values, releaseTimeoutMs).catch(() => {})
  }
}

type LeaseOptions = {
  /** ms to wait for the lease, without a connection; default: not at all */
  waitMs?: number
  /** ms in which no replica takes the lease once the work is done: less than the lease lasts; default: none */
  restMs?: number
  /** the pool to look with whether another has the lease; default: `pool` */
  read?: Pool
}

const leaseRow = z.array(z.object({ owner: z.string(), held: z.number() }))
const written = z.looseObject({ affectedRows: z.number() })

// A clock that jumped may have written an end that is too far away; by a minute, the clocks of two servers may differ.
const leaseSql = `SELECT owner,
    until_at > UTC_TIMESTAMP(3) AND until_at < UTC_TIMESTAMP(3) + INTERVAL ? + 60 SECOND AS held
  FROM lease WHERE name = ?`
const takeLeaseSql =
  'UPDATE lease SET owner = ?, until_at = UTC_TIMESTAMP(3) + INTERVAL ? SECOND WHERE name = ? AND owner = ?'
const firstLeaseSql =
  'INSERT IGNORE INTO lease (owner, until_at, name) VALUES (?, UTC_TIMESTAMP(3) + INTERVAL ? SECOND, ?)'
const endLeaseSql =
  "UPDATE lease SET owner = '', until_at = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND WHERE name = ? AND owner = ?"

const leaseIsBusy = new Set(['ER_LOCK_WAIT_TIMEOUT', 'ER_LOCK_DEADLOCK'])

/** ms for giving a lease back: short, since it ends by itself */
const releaseTimeoutMs = 1000

/** Reads first, without a lock: a replica that is to wait writes nothing and waits for no transaction of the owner. */
async function takeLease(pool: Pool, { name, owner }: Lease, read: Pool): Promise<boolean> {
  const seconds = leaseSeconds[name]
  const [current] = leaseRow.parse(await query(read, leaseSql, [seconds, name]))
  if (current?.held) return false
  return onConnection(pool, async connection => {
    const values = [owner, seconds, name]
    try {
      const result = current
        ? await queryOn(connection, takeLeaseSql, [...values, current.owner])
        : await queryOn(connection, firstLeaseSql, values)
      return written.parse(result).affectedRows === 1
    } catch (error) {
      // The owner, or another replica that takes it, is in a transaction.
      if (leaseIsBusy.has(codeOf(error))) return false
      throw error
    }
  })
}

/**
 * Renews the lease under which a connection works, if there is one. In a transaction, nothing that follows is committed if another
 * replica takes the lease, also on another server of a cluster. @throws if another replica has it
 */
export async function renewLease(connection: PoolConnection): Promise<void> {
  const lease = leases.get(connection)
  if (!lease) return
  const { name, owner } = lease
  const result = await queryOn(connection, takeLeaseSql, [owner, leaseSeconds[name], name, owner])
  if (written.parse(result).affectedRows !== 1)
    throw new Error(`this replica was silent for too long: another has taken over (${name})`)
}
