// All SQL of the replica is in this folder, one module a topic. The endpoints, the feed, the hit queue, the lifecycle
// and retention call it; it calls MySQL or MariaDB through mysql2. This module opens three connection pools: `write`
// for hits and the replica's own row, `read` for queries, `upkeep` for background work under a lease. query.ts runs a
// statement with a time limit; page-view-numbers.ts builds the transaction that counts page views and hit-store.ts sends it;
// the other modules each read or write a few tables.

import { setTimeout as pause } from 'node:timers/promises'
import mysql from 'mysql2'
import type { Pool, PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { lockWaitSeconds } from '../../shared/limits.ts'
import { readDatabaseUrl } from '../config.ts'

export type ReadPool = Pool
export type WritePool = Pool
export type UpkeepPool = Pool

export type Pools = { read: ReadPool; write: WritePool; upkeep: UpkeepPool }

export function openPools(databaseUrl: string): Pools {
  return {
    read: openReadPool(databaseUrl),
    write: openWritePool(databaseUrl),
    upkeep: openUpkeepPool(databaseUrl),
  }
}

/** ms for saying goodbye to the database: a database that hangs must not keep a replica from exiting. */
const closeTimeoutMs = 1000

/** Never throws: broken connections need no closing. */
export async function closePools(pools: Pools): Promise<void> {
  const closed = Promise.allSettled([pools.read.end(), pools.write.end(), pools.upkeep.end()])
  await Promise.race([closed, pause(closeTimeoutMs, undefined, { ref: false })])
}

/** ms to open a connection, and again ms to set up its session. */
const connectTimeout = 1000

/** Callers that may wait for a connection of a pool. One more is refused. */
const queueLimit = 64

/** Maximum connections of one replica, by pool. */
export const connectionLimits = { read: 4, write: 3, upkeep: 2 } as const

/** Maximum connections of one replica. */
export const connectionsPerReplica = connectionLimits.read + connectionLimits.write + connectionLimits.upkeep

/**
 * Seconds of silence after which the database closes a connection that writes hits, and so releases its locks. A failed batch
 * holds the counter's lock until its ROLLBACK, which a frozen or disconnected replica never sends.
 */
const silentSeconds = 8

/** The same for connections that block no page view. */
const backgroundSilentSeconds = 60

/** ms after which a replica closes an idle connection itself: well before the database would. */
const idleMs = 3000

const shared = {
  connectTimeout,
  queueLimit,
  // Send a goodbye when closing, or the database logs an aborted connection.
  gracefulEnd: true,
  // Addresses, ids and names are all ASCII; times are read and written as UTC text.
  charset: 'ascii_bin',
  timezone: 'Z',
  dateStrings: true,
} satisfies mysql.PoolOptions

/**
 * How the server at the other end of a connection replicates, which decides how hits are written (page-view-numbers.ts): Galera,
 * MySQL's Group Replication, or not in a way that takes part in a commit. Behind a proxy that fails over, two connections may lead
 * to two servers.
 */
export type Replication = 'galera' | 'group' | 'none'

const galeraSql = "SHOW SESSION VARIABLES LIKE 'wsrep_on'"
const groupSql = "SHOW SESSION VARIABLES LIKE 'group_replication_group_name'"

/** A pooled connection's driver handle, when its session is set up, and what the set-up learned. */
type Session = { driver: mysql.PoolConnection; ready: Promise<void>; replication: Replication }

const sessions = new WeakMap<object, Session>()

/** For everything that only reads. @throws BadDatabaseUrl */
export function openReadPool(databaseUrl: string): ReadPool {
  return openPool(
    {
      ...shared,
      ...readDatabaseUrl(databaseUrl),
      connectionLimit: connectionLimits.read,
      maxIdle: connectionLimits.read - 1,
      idleTimeout: idleMs,
    },
    // An audit is a transaction: if a disconnected replica left it open, no table could be altered.
    `SET SESSION wait_timeout = ${backgroundSilentSeconds}`,
  )
}

/**
 * For hit batches and this replica's own row. Accepts several statements in one packet: only validated hex, addresses and
 * numbers may be written into them.
 */
export function openWritePool(databaseUrl: string): WritePool {
  return openPool(
    {
      ...shared,
      ...readDatabaseUrl(databaseUrl),
      connectionLimit: connectionLimits.write,
      // One below the limit: at the limit the driver closes no connection.
      maxIdle: connectionLimits.write - 1,
      idleTimeout: idleMs,
      multipleStatements: true,
    },
    // lock_wait_timeout limits the wait for a table lock, e.g. during ALTER TABLE.
    `SET SESSION innodb_lock_wait_timeout = ${lockWaitSeconds}, lock_wait_timeout = ${lockWaitSeconds},
       wait_timeout = ${silentSeconds};
     SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
     ${galeraSql}; ${groupSql}`,
  )
}

/** For background work on the log under a lease (`ifAlone` in query.ts), so that hits never wait for a connection. */
export function openUpkeepPool(databaseUrl: string): UpkeepPool {
  return openPool(
    {
      ...shared,
      ...readDatabaseUrl(databaseUrl),
      connectionLimit: connectionLimits.upkeep,
      // The next use is seconds away: keep no idle connection.
      maxIdle: 0,
      multipleStatements: true,
    },
    // If the replica freezes, the database closes the silent connection and releases its locks.
    `SET SESSION innodb_lock_wait_timeout = 1, wait_timeout = ${backgroundSilentSeconds};
     SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`,
  )
}

/** Creates a pool that runs `setUp` on each new connection first. */
function openPool(options: mysql.PoolOptions, setUp: string): Pool {
  const pool = mysql.createPool(options)
  pool.on('connection', driver => {
    // The running command already reports a broken connection, and the pool drops it. An unhandled event would end the process.
    driver.on('error', () => {})
    const session: Session = {
      driver,
      ready: run(driver, setUp).then(results => {
        session.replication = replicationFrom(results)
      }),
      replication: 'none',
    }
    // takeConnection reports the failure if a caller still waits.
    session.ready.catch(() => {})
    sessions.set(driver, session)
  })
  return pool.promise()
}

function run(driver: mysql.PoolConnection, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    driver.query({ sql, timeout: connectTimeout }, (error, results) =>
      error ? reject(error) : resolve(results),
    )
  })
}

const variables = z.array(z.object({ Variable_name: z.string(), Value: z.string() }))

/** Reads the variables in a set-up's results. A server that does not know a variable shows no row of it. */
function replicationFrom(results: unknown): Replication {
  const shown = Array.isArray(results)
    ? results.flatMap(result => variables.safeParse(result).data ?? [])
    : []
  const valueNamed = (name: string) => shown.find(row => row.Variable_name === name)?.Value ?? ''
  if (valueNamed('wsrep_on') === 'ON') return 'galera'
  return valueNamed('group_replication_group_name') === '' ? 'none' : 'group'
}

/** How the server at the other end of a connection from `openWritePool` replicates. */
export function replicationOf(connection: PoolConnection): Replication {
  return sessions.get(connection.connection)?.replication ?? 'none'
}

/** Whether it is Galera, for a connection of any pool. @throws the driver's error */
export async function readIsGalera(connection: PoolConnection): Promise<boolean> {
  const [rows] = await connection.query({ sql: galeraSql, timeout: connectTimeout })
  return replicationFrom([rows]) === 'galera'
}

/**
 * The read `sql` for a Galera node: it first waits until the node has all that other nodes have committed before.
 * Source: https://mariadb.com/kb/en/galera-cluster-system-variables/#wsrep_sync_wait
 */
export const onceUpToDate = (sql: string) => `SET STATEMENT wsrep_sync_wait = 1 FOR ${sql}`

/**
 * Takes a connection whose session is set up, within `timeoutMs`.
 * @throws the driver's error: no connection, queue full, or session set-up failed
 */
export function takeConnection(pool: Pool, timeoutMs: number): Promise<PoolConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<PoolConnection>()
  let timeIsUp = false
  const timer = setTimeout(
    () => {
      timeIsUp = true
      reject(new NoConnection(timeoutMs))
    },
    Math.max(1, timeoutMs),
  )
  takeSetUp(pool).then(
    connection => {
      clearTimeout(timer)
      if (timeIsUp) connection.release()
      else resolve(connection)
    },
    error => {
      clearTimeout(timer)
      reject(error)
    },
  )
  return promise
}

/** No connection became free in time. */
class NoConnection extends Error {
  readonly code = 'NO_CONNECTION'

  constructor(timeoutMs: number) {
    super(`no connection within ${Math.round(timeoutMs)} ms`)
    this.name = 'NoConnection'
  }
}

async function takeSetUp(pool: Pool): Promise<PoolConnection> {
  const connection = await pool.getConnection()
  try {
    await sessions.get(connection.connection)?.ready
    return connection
  } catch (error) {
    // Without the session's limits a statement could wait a minute for a lock.
    connection.destroy()
    throw error
  }
}

/**
 * Runs a packet of several statements. Calls `onResult` for each statement that succeeds.
 * @throws the driver's error
 */
export function queryPacket(
  connection: PoolConnection,
  packet: { sql: string; timeout: number },
  onResult: () => void,
): Promise<unknown> {
  const driver = sessions.get(connection.connection)?.driver
  if (!driver) throw new TypeError('the connection belongs to no pool of this module')
  return new Promise((resolve, reject) => {
    const query = driver.query(packet, (error, results) => (error ? reject(error) : resolve(results)))
    query.on('fields', onResult)
  })
}
