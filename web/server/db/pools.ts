import { setTimeout as pause } from 'node:timers/promises'
import mysql from 'mysql2'
import type { Pool, PoolConnection } from 'mysql2/promise'
import { readDatabaseUrl } from '../config.ts'

export type ReadPool = Pool
export type WritePool = Pool
export type UpkeepPool = Pool

/** How long a batch waits for the counter's lock, in s: less than its page views have. */
export const lockWaitSeconds = 1

/** How long to wait for a connection to the database and for its session to be set up, in ms each. */
const connectTimeout = 1000

/** How many callers may wait for a connection of a pool. One more is refused. */
const queueLimit = 64

/** Connections that one replica opens at most, by pool. */
export const connectionLimits = { read: 4, write: 3, upkeep: 2 } as const

/** Connections that one replica opens at most. */
export const connectionsPerReplica = connectionLimits.read + connectionLimits.write + connectionLimits.upkeep

/**
 * Seconds without a word after which the database closes a connection that writes hits, and so frees its locks. A batch that
 * was refused holds the counter's until its ROLLBACK comes: of a replica that is frozen or cut off then, none does.
 */
const silentSeconds = 8

/** The same for connections that hold up nobody's page view. */
const backgroundSilentSeconds = 60

/** ms after which a replica closes a connection itself, when it has no use for it: well before the database would. */
const idleMs = 3000

const shared = {
  connectTimeout,
  queueLimit,
  // Says goodbye: else the database logs each connection that is closed for want of use.
  gracefulEnd: true,
  // Addresses, ids and names are all ASCII; times are read and written as UTC text.
  charset: 'ascii_bin',
  timezone: 'Z',
  dateStrings: true,
} satisfies mysql.PoolOptions

/** What the driver knows of a pooled connection: its own handle, and when its session is set up. */
type Session = { driver: mysql.PoolConnection; ready: Promise<unknown> }

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
    // An audit is a transaction: left open by a replica that is cut off, no table could be altered.
    `SET SESSION wait_timeout = ${backgroundSilentSeconds}`,
  )
}

/**
 * For hit batches and this replica's own row. Takes several statements in one packet; only validated hex, addresses and
 * numbers are ever written into them.
 */
export function openWritePool(databaseUrl: string): WritePool {
  return openPool(
    {
      ...shared,
      ...readDatabaseUrl(databaseUrl),
      connectionLimit: connectionLimits.write,
      // Below the limit: else the driver closes none.
      maxIdle: connectionLimits.write - 1,
      idleTimeout: idleMs,
      multipleStatements: true,
    },
    // lock_wait_timeout: for the lock on a table, which somebody holds who alters it.
    `SET SESSION innodb_lock_wait_timeout = ${lockWaitSeconds}, lock_wait_timeout = ${lockWaitSeconds},
       wait_timeout = ${silentSeconds};
     SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`,
  )
}

/**
 * For what is done to the log in the background, each on a connection that it keeps while it holds a lock, so that hits
 * never wait for one. Takes several statements in one packet; only numbers are ever written into them.
 */
export function openUpkeepPool(databaseUrl: string): UpkeepPool {
  return openPool(
    {
      ...shared,
      ...readDatabaseUrl(databaseUrl),
      connectionLimit: connectionLimits.upkeep,
      // The next use is seconds away, and the database has better uses for a connection.
      maxIdle: 0,
      multipleStatements: true,
    },
    // A replica that is frozen says nothing more: the database then closes its connection, and so frees its locks.
    `SET SESSION innodb_lock_wait_timeout = 1, wait_timeout = ${backgroundSilentSeconds};
     SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`,
  )
}

/** A pool whose every new connection first runs `setUp`. */
function openPool(options: mysql.PoolOptions, setUp: string): Pool {
  const pool = mysql.createPool(options)
  pool.on('connection', driver => {
    // A broken connection tells its command; the pool drops it. Unheard, the event would end the process.
    driver.on('error', () => {})
    const ready = run(driver, setUp)
    // takeConnection hears of a failure, if somebody still waits there.
    ready.catch(() => {})
    sessions.set(driver, { driver, ready })
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

/**
 * Takes a connection whose session is set up, within `timeoutMs`.
 * @throws what the driver throws: no connection, no free place in the queue, or a session that could not be set up
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

/** A connection that was asked for did not come in time. */
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
    // Without its limits a statement could wait for a lock for a minute.
    connection.destroy()
    throw error
  }
}

/**
 * Runs a packet of several statements. `onResult` is called once a statement of it has answered without an error.
 * @throws what the driver throws
 */
export function queryPacket(
  connection: PoolConnection,
  packet: { sql: string; timeout: number },
  onResult: () => void,
): Promise<unknown> {
  const driver = sessions.get(connection.connection)?.driver
  if (!driver) throw new TypeError('the connection is of no pool of ours')
  return new Promise((resolve, reject) => {
    const query = driver.query(packet, (error, results) => (error ? reject(error) : resolve(results)))
    query.on('fields', onResult)
  })
}

export type Pools = { read: ReadPool; write: WritePool; upkeep: UpkeepPool }

export function openPools(databaseUrl: string): Pools {
  return {
    read: openReadPool(databaseUrl),
    write: openWritePool(databaseUrl),
    upkeep: openUpkeepPool(databaseUrl),
  }
}

/** ms that saying goodbye to the database may take: one that hangs must not keep a replica from ending. */
const closePatience = 1000

/** Never throws: connections that are broken already need no closing. */
export async function closePools(pools: Pools): Promise<void> {
  const closed = Promise.allSettled([pools.read.end(), pools.write.end(), pools.upkeep.end()])
  await Promise.race([closed, pause(closePatience, undefined, { ref: false })])
}

/** '2026-11-22 12:04:31.203', as the database tells a UTC time, to '2026-11-22T12:04:31.203Z'. */
export function toIsoTime(databaseTime: string): string {
  const [date, time = '00:00:00'] = databaseTime.split(' ')
  const [seconds, fraction = ''] = time.split('.')
  return `${date}T${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}Z`
}
