import type { PoolConnection } from 'mysql2/promise'
import { CommitFailed, type HitStore, newRequestId } from '../hits/hit.ts'
import {
  batchPacket,
  beginBatch,
  type CountingServer,
  countsFrom,
  findRecentRequestsSql,
  judgeFailure,
  kindOfFailure,
  recentRequestsFrom,
} from './hit-batch.ts'
import { lockWaitSeconds, queryPacket, takeConnection, type WritePool } from './pools.ts'

/** A batch with less time than that, in ms, could give up while it waits for the counter's lock, and be counted after that. */
const longEnoughToWait = lockWaitSeconds * 1000 + 200

/** ms that a probe may take: less than a batch needs to wait for the lock. */
const probeTimeout = 1000

/** A store that can be asked whether it would count. */
export type DatabaseHitStore = HitStore & {
  /**
   * Does all that a commit of one hit does, and rolls it back: no number is taken. Unless it `waits` for the counter's
   * lock, a database that is there answers at once.
   * @throws CommitFailed as a commit would
   */
  probe(waits?: boolean): Promise<void>
}

/** Counts and logs hits in the database, for one life of a replica. */
export function databaseHitStore(pool: WritePool, server: CountingServer): DatabaseHitStore {
  // What is sent to a database that is silent may be carried out when it wakes. So no batch follows one that got no
  // answer before the database has said something again: at most one is in doubt, not one a connection.
  let silent = false

  return {
    async commit(hits, timeoutMs) {
      const timeLeft = countDown(timeoutMs)
      const batch = batchPacket(hits, server, 'COMMIT')
      const connection = await connect(pool, timeLeft())
      if (silent) await hear(connection, timeLeft())
      silent = false
      try {
        return countsFrom(await runPacket(connection, batch, timeLeft()), hits.length)
      } catch (error) {
        silent = error instanceof CommitFailed && error.outcome === 'unknown'
        throw error
      }
    },

    async find(requestIds, timeoutMs) {
      const timeLeft = countDown(timeoutMs)
      const connection = await connect(pool, timeLeft())
      try {
        const [rows] = await connection.query({
          sql: findRecentRequestsSql,
          values: [requestIds],
          timeout: Math.max(1, timeLeft()),
        })
        connection.release()
        return recentRequestsFrom(rows)
      } catch (error) {
        connection.destroy()
        throw new CommitFailed('rolled_back', kindOfFailure(error), error)
      }
    },

    async probe(waits = false) {
      const timeLeft = countDown(waits ? longEnoughToWait + probeTimeout : probeTimeout)
      const hit = { requestId: newRequestId(), clientIp: '0.0.0.0', cookieSrvId: null }
      const connection = await connect(pool, timeLeft())
      await runPacket(connection, batchPacket([hit], server, 'ROLLBACK'), timeLeft())
    },
  }
}

/** @returns how many ms are left of `timeoutMs`, whenever it is asked */
function countDown(timeoutMs: number): () => number {
  const endsAt = performance.now() + timeoutMs
  return () => Math.ceil(endsAt - performance.now())
}

async function connect(pool: WritePool, timeoutMs: number): Promise<PoolConnection> {
  try {
    return await takeConnection(pool, timeoutMs)
  } catch (error) {
    throw new CommitFailed('rolled_back', 'away', error)
  }
}

/** Has the database say something. Closes the connection on which it does not. @throws CommitFailed */
async function hear(connection: PoolConnection, timeoutMs: number): Promise<void> {
  try {
    await connection.query({ sql: 'SELECT 1', timeout: Math.max(1, timeoutMs) })
  } catch (error) {
    connection.destroy()
    throw new CommitFailed('rolled_back', 'away', error)
  }
}

/** Releases the connection after a commit, and rolled back where others were in the way; closes it after any other failure. */
async function runPacket(connection: PoolConnection, batch: string, timeoutMs: number): Promise<unknown> {
  if (timeoutMs <= 0) {
    connection.release()
    throw new CommitFailed('rolled_back', 'away', 'the connection took all the time there was')
  }
  const { sql, steps } = beginBatch(timeoutMs > longEnoughToWait)
  let answered = 0
  try {
    const results = await queryPacket(connection, { sql: sql + batch, timeout: timeoutMs }, () => answered++)
    connection.release()
    return results
  } catch (error) {
    const { outcome, kind } = judgeFailure(error, steps[answered] ?? 'end')
    if (outcome === 'unknown' || !(await rollBack(connection))) connection.destroy()
    // A session keeps the rights it began with, also when more were granted meanwhile.
    else if (kind === 'refused') connection.destroy()
    else connection.release()
    throw new CommitFailed(outcome, kind, error)
  }
}

/** The failed statement stopped the packet, so the transaction still holds the counter's lock: let go of it. */
async function rollBack(connection: PoolConnection): Promise<boolean> {
  try {
    await connection.query({ sql: 'ROLLBACK', timeout: 200 })
    return true
  } catch {
    return false
  }
}
