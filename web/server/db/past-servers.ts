// A server without a heartbeat for ten minutes is marked as gone (`gone_at`), and its hits are added to a sum in `past_hits`.
// It keeps its row and its hits: the log and the history need its name. If it wakes later, it registers as another instance
// (web/server/lifecycle/own-row.ts).

import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { inTransaction, queryOn } from './query.ts'
import { byGoneAt } from './server-state.ts'

/** Server ids that one row of `past_hits` covers. Its `first_id` is a multiple of it. */
const serversPerSum = 1000
/** maximum servers marked in one transaction */
const goneBatch = 500
/** Minutes without a heartbeat after which a server is gone: much longer than the board shows it. */
const goneMinutes = 10

/** SQL expression: the hits of all servers, gone or not. */
export const sumHitsSql = `CAST(
    (SELECT COALESCE(SUM(hits), 0) FROM past_hits) +
    (SELECT COALESCE(SUM(hits), 0) FROM server ${byGoneAt} WHERE gone_at IS NULL)
  AS UNSIGNED)`

const silentSql = `SELECT id FROM server
  WHERE gone_at IS NULL AND last_seen_at < CAST(? AS DATETIME(3)) - INTERVAL ${goneMinutes} MINUTE
  ORDER BY id LIMIT ${goneBatch}`

const ids = z.array(z.object({ id: z.number().int() }))

/**
 * Marks servers that are gone at the time `now`, all from one row of `past_hits`. Only one replica may run it at a time
 * (`ifAlone`). @returns how many; 0 if there is none
 */
export async function markGoneServers(connection: PoolConnection, now: Date): Promise<number> {
  const silent = ids.parse(await queryOn(connection, silentSql, [now])).map(({ id }) => id)
  const [lowest] = silent
  if (lowest === undefined) return 0
  const first = firstIdOf(lowest)
  const gone = silent.filter(id => firstIdOf(id) === first)
  // Checks again under the row's lock: a heartbeat may have come meanwhile. A server that was never ready is in no history.
  const mark = `UPDATE server SET gone_at = IF(ready_at IS NULL, '1970-01-01', last_seen_at)
    WHERE id IN (?) AND gone_at IS NULL AND last_seen_at < CAST(? AS DATETIME(3)) - INTERVAL ${goneMinutes} MINUTE`
  await inTransaction(connection, async () => {
    await lockSum(connection, first)
    await queryOn(connection, mark, [gone, now])
    await sumUp(connection, first)
  })
  return gone.length
}

/** Sums up `limit` rows of `past_hits` again, the oldest sums first, so that the audit notices a changed row. */
export async function recountPastHits(connection: PoolConnection, limit: number): Promise<void> {
  const sql = 'SELECT first_id AS id FROM past_hits ORDER BY counted_at, first_id LIMIT ?'
  for (const { id } of ids.parse(await queryOn(connection, sql, [limit])))
    await inTransaction(connection, async () => {
      await lockSum(connection, id)
      await sumUp(connection, id)
    })
}

/** Another transaction that marks or sums up these servers waits from here on: its sum must include what this one marks. */
async function lockSum(connection: PoolConnection, first: number): Promise<void> {
  const sql = `INSERT INTO past_hits (first_id, hits, counted_at) VALUES (?, 0, UTC_TIMESTAMP(3))
    ON DUPLICATE KEY UPDATE counted_at = UTC_TIMESTAMP(3)`
  await queryOn(connection, sql, [first])
}

const sum = z.tuple([z.object({ hits: z.string() })])

async function sumUp(connection: PoolConnection, first: number): Promise<void> {
  const sumSql = `SELECT CAST(COALESCE(SUM(hits), 0) AS CHAR) AS hits FROM server
    WHERE id BETWEEN ? AND ? AND gone_at IS NOT NULL`
  const [{ hits }] = sum.parse(await queryOn(connection, sumSql, [first, first + serversPerSum - 1]))
  await queryOn(connection, 'UPDATE past_hits SET hits = ? WHERE first_id = ?', [hits, first])
}

const firstIdOf = (serverId: number) => serverId - (serverId % serversPerSum)
