import type { PoolConnection } from 'mysql2/promise'
import { lockWaitSeconds } from '../../shared/limits.ts'
import { CommitFailed, type HitStore, probeHit } from '../hits/hit.ts'
import {
  type Batch,
  batchOf,
  type CountingServer,
  countsFrom,
  findRecentRequestsSql,
  judgeFailure,
  kindOfFailure,
  type LockWait,
  recentRequestsFrom,
  transactionOf,
} from './page-view-numbers.ts'
import { onceUpToDate, queryPacket, replicationOf, takeConnection, type WritePool } from './pools.ts'

/** ms that a batch keeps for its commit and the answer when it waits for the counter's lock: else the outcome could be unknown */
const afterLockMs = 200

/** ms of the shortest wait for the counter's lock */
const shortestWaitMs = 20

/** ms for a probe, besides a wait for the lock */
const probeTimeoutMs = 1000

export type DatabaseHitStore = HitStore & {
  /**
   * Does everything that a commit of one hit does, then rolls back: no number is used. Unless it `waits` for the counter's
   * lock, a reachable database answers immediately.
   * @throws CommitFailed as a commit would
   */
  probe(waits?: boolean): Promise<void>
}

/** Counts and logs hits in the database for one instance of a replica. */
export function databaseHitStore(pool: WritePool, server: CountingServer): DatabaseHitStore {
  // A silent database may execute what it was sent once it wakes. So after a batch without an answer none is sent until
  // the database answers again: at most one batch is in doubt, not one per connection.
  let unanswered = false

  return {
    async commit(hits, timeoutMs, earliestMs = timeoutMs) {
      const [timeLeft, earliestLeft] = [countDown(timeoutMs), countDown(earliestMs)]
      const batch = batchOf(hits, server, 'COMMIT')
      const connection = await connect(pool, timeLeft())
      if (unanswered) await ping(connection, timeLeft())
      unanswered = false
      try {
        const wait = lockWait(timeLeft(), earliestLeft())
        return countsFrom(await runPacket(connection, batch, timeLeft(), wait), hits.length)
      } catch (error) {
        unanswered = error instanceof CommitFailed && error.outcome === 'unknown'
        throw error
      }
    },

    async find(requestIds, timeoutMs) {
      const timeLeft = countDown(timeoutMs)
      const connection = await connect(pool, timeLeft())
      try {
        const [rows] = await connection.query({
          sql:
            replicationOf(connection) === 'galera'
              ? onceUpToDate(findRecentRequestsSql)
              : findRecentRequestsSql,
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
      const timeLeft = countDown((waits ? lockWaitSeconds * 1000 + afterLockMs : 0) + probeTimeoutMs)
      const connection = await connect(pool, timeLeft())
      const batch = batchOf([probeHit()], server, 'ROLLBACK')
      await runPacket(connection, batch, timeLeft(), waits ? 'session' : 0)
    },
  }
}

/** @returns a function that gives the ms left of `timeoutMs` */
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

/** Makes the database answer. Closes the connection if it does not. @throws CommitFailed */
async function ping(connection: PoolConnection, timeoutMs: number): Promise<void> {
  try {
    await connection.query({ sql: 'SELECT 1', timeout: Math.max(1, timeoutMs) })
  } catch (error) {
    connection.destroy()
    throw new CommitFailed('rolled_back', 'away', error)
  }
}

/**
 * How long a batch waits for the counter's lock. `latestMs`: ms until the latest deadline of its hits; `earliestMs`: until the earliest. If
 * the latest leaves no time for a whole wait, the wait ends before the earliest deadline: so the hits that are then too late are
 * certainly not counted, and the others try again. A wait of a few ms becomes none: the limit is on the whole statement, which may
 * take that long even if the lock is free.
 */
export function lockWait(latestMs: number, earliestMs: number): LockWait {
  if (latestMs - afterLockMs >= lockWaitSeconds * 1000) return 'session'
  const ms = earliestMs - afterLockMs
  return ms < shortestWaitMs ? 0 : ms
}

/** Releases the connection after a commit, and after a rolled-back contention or repeat. Closes it after any other failure. */
async function runPacket(
  connection: PoolConnection,
  batch: Batch,
  timeoutMs: number,
  wait: LockWait,
): Promise<unknown> {
  if (timeoutMs <= 0) {
    connection.release()
    throw new CommitFailed('rolled_back', 'away', 'getting a connection took all the time')
  }
  const { sql, steps } = transactionOf(batch, wait, replicationOf(connection))
  let answered = 0
  try {
    const results = await queryPacket(connection, { sql, timeout: timeoutMs }, () => answered++)
    connection.release()
    return results
  } catch (error) {
    const { outcome, kind } = judgeFailure(error, steps[answered] ?? 'end')
    if (outcome === 'unknown' || !(await rollBack(connection))) connection.destroy()
    // A session keeps the privileges it started with, even if more are granted meanwhile. And after a failover of the database a new
    // connection leads to the server that may write now.
    else if (kind === 'refused' || kind === 'away') connection.destroy()
    else connection.release()
    throw new CommitFailed(outcome, kind, error)
  }
}

/** The failed statement stopped the packet, but the transaction still holds the counter's lock. Releases it. */
async function rollBack(connection: PoolConnection): Promise<boolean> {
  try {
    await connection.query({ sql: 'ROLLBACK', timeout: 200 })
    return true
  } catch {
    return false
  }
}
