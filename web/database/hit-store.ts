import type { PoolConnection } from 'mysql2/promise'
import { CommitFailed, type HitStore } from '../hit/hit-store.ts'
import { batchPacket, type CountingServer, countsFrom } from './commit-hits.ts'
import { isFinalRefusal } from './errors.ts'
import { findRecentRequestsSql, recentRequestsFrom } from './find-recent-requests.ts'
import type { WritePool } from './pools.ts'

/** Counts and logs hits in the database, for one life of a replica. */
export function databaseHitStore(pool: WritePool, server: CountingServer): HitStore {
  return {
    async commit(hits, timeoutMs) {
      const packet = batchPacket(hits, server)
      const connection = await connect(pool)
      const results = await runPacket(connection, packet, timeoutMs)
      return countsFrom(results, hits.length)
    },

    async find(requestIds, timeoutMs) {
      const connection = await connect(pool)
      try {
        const [rows] = await connection.query({
          sql: findRecentRequestsSql,
          values: [requestIds],
          timeout: timeoutMs,
        })
        connection.release()
        return recentRequestsFrom(rows)
      } catch (error) {
        connection.destroy()
        throw new CommitFailed('rolled_back', error)
      }
    },
  }
}

async function connect(pool: WritePool): Promise<PoolConnection> {
  try {
    return await pool.getConnection()
  } catch (error) {
    throw new CommitFailed('rolled_back', error)
  }
}

/** Leaves the connection released after a commit, rolled back after a refusal, and closed after anything else. */
async function runPacket(connection: PoolConnection, packet: string, timeoutMs: number): Promise<unknown> {
  try {
    const [results] = await connection.query({ sql: packet, timeout: timeoutMs })
    connection.release()
    return results
  } catch (error) {
    const refused = isFinalRefusal(error) && (await rollBack(connection))
    if (!refused) connection.destroy()
    throw new CommitFailed(isFinalRefusal(error) ? 'rolled_back' : 'unknown', error)
  }
}

/** The failed statement stopped the packet, so the transaction still holds the counter's lock: let go of it. */
async function rollBack(connection: PoolConnection): Promise<boolean> {
  try {
    await connection.query({ sql: 'ROLLBACK', timeout: 200 })
    connection.release()
    return true
  } catch {
    return false
  }
}
