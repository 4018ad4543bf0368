import type { PoolConnection } from 'mysql2/promise'
import { CommitFailed, type HitStore } from '../hit/hit-store.ts'
import { batchPacket, beginBatch, type CountingServer, countsFrom } from './commit-hits.ts'
import { isFinalRefusal } from './errors.ts'
import { findRecentRequestsSql, recentRequestsFrom } from './find-recent-requests.ts'
import { lockWaitSeconds, type WritePool } from './pools.ts'

/** A batch with less time than that, in ms, could give up while it waits for the counter's lock, and be counted after that. */
const longEnoughToWait = lockWaitSeconds * 1000 + 200

/** Counts and logs hits in the database, for one life of a replica. */
export function databaseHitStore(pool: WritePool, server: CountingServer): HitStore {
  // What is sent to a database that is silent may be carried out when it wakes. So no batch follows one that got no
  // answer before the database has said something again: at most one is in doubt, not one a connection.
  let silent = false

  return {
    async commit(hits, timeoutMs) {
      const endsAt = performance.now() + timeoutMs
      const timeLeft = () => Math.ceil(endsAt - performance.now())
      const batch = batchPacket(hits, server)
      const connection = await connect(pool)
      if (silent) await hear(connection, timeLeft())
      silent = false
      try {
        const packet = beginBatch(timeLeft() > longEnoughToWait) + batch
        return countsFrom(await runPacket(connection, packet, timeLeft()), hits.length)
      } catch (error) {
        silent = error instanceof CommitFailed && error.outcome === 'unknown'
        throw error
      }
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

/** Has the database say something. Closes the connection on which it does not. @throws CommitFailed */
async function hear(connection: PoolConnection, timeoutMs: number): Promise<void> {
  try {
    await connection.query({ sql: 'SELECT 1', timeout: Math.max(1, timeoutMs) })
  } catch (error) {
    connection.destroy()
    throw new CommitFailed('rolled_back', error)
  }
}

/** Leaves the connection released after a commit, rolled back after a refusal, and closed after anything else. */
async function runPacket(connection: PoolConnection, packet: string, timeoutMs: number): Promise<unknown> {
  if (timeoutMs <= 0) {
    connection.release()
    throw new CommitFailed('rolled_back', 'the connection took all the time there was')
  }
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
