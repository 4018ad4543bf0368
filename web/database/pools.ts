import { setTimeout as pause } from 'node:timers/promises'
import mysql from 'mysql2/promise'

export type ReadPool = mysql.Pool
export type WritePool = mysql.Pool
export type UpkeepPool = mysql.Pool

/** How long to wait for a connection to the database, in ms. */
const connectTimeout = 1000

const shared = {
  connectTimeout,
  // Addresses, ids and names are all ASCII; times are read and written as UTC text.
  charset: 'ascii_bin',
  timezone: 'Z',
  dateStrings: true,
} satisfies mysql.PoolOptions

/** For everything that only reads. `databaseUrl` is mysql://user:password@host:port/database. */
export function openReadPool(databaseUrl: string): ReadPool {
  return mysql.createPool({ ...shared, uri: databaseUrl, connectionLimit: 4, queueLimit: 64 })
}

/**
 * For hit batches and this replica's own row. The only pool that takes several statements in one packet;
 * only validated hex, addresses and numbers are ever written into them.
 */
export function openWritePool(databaseUrl: string): WritePool {
  const pool = mysql.createPool({
    ...shared,
    uri: databaseUrl,
    connectionLimit: 3,
    multipleStatements: true,
  })
  pool.on('connection', connection => {
    // Commands on a connection run in order, so these take hold before the first one of ours.
    connection.query('SET SESSION innodb_lock_wait_timeout = 1')
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  })
  return pool
}

/**
 * For what is done to the log in the background, each on a connection that it keeps while it holds a lock, so that hits
 * never wait for one. Takes several statements in one packet; only numbers are ever written into them.
 */
export function openUpkeepPool(databaseUrl: string): UpkeepPool {
  const pool = mysql.createPool({
    ...shared,
    uri: databaseUrl,
    connectionLimit: 2,
    // The next use is seconds away, and the database has better uses for a connection.
    maxIdle: 0,
    multipleStatements: true,
  })
  pool.on('connection', connection => {
    connection.query('SET SESSION innodb_lock_wait_timeout = 1')
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
    // A replica that is frozen says nothing more: the database then closes its connection, and so frees its locks.
    connection.query('SET SESSION wait_timeout = 60')
  })
  return pool
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
