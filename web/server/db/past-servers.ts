// A server without a heartbeat for ten minutes is marked as gone (`gone_at`), and its hits are added to a sum in `past_hits`.
// It keeps its row and its hits: the log and the history need its name. If it wakes later, it registers as another instance
// (web/server/lifecycle/own-row.ts).

import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { queryOn } from './query.ts'
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
  await queryOn(connection, `START TRANSACTION; ${mark}; ${sumUpSql(first)}; COMMIT`, [gone, now])
  return gone.length
}

/** Sums up `limit` rows of `past_hits` again, the oldest sums first, so that the audit notices a changed row. */
export async function recountPastHits(connection: PoolConnection, limit: number): Promise<void> {
  const sql = 'SELECT first_id AS id FROM past_hits ORDER BY counted_at, first_id LIMIT ?'
  for (const { id } of ids.parse(await queryOn(connection, sql, [limit])))
    await queryOn(connection, `START TRANSACTION; ${sumUpSql(id)}; COMMIT`)
}

function sumUpSql(first: number): string {
  const last = first + serversPerSum - 1
  return `SET @hits = (SELECT COALESCE(SUM(hits), 0) FROM server
      WHERE id BETWEEN ${first} AND ${last} AND gone_at IS NOT NULL);
    INSERT INTO past_hits (first_id, hits, counted_at) VALUES (${first}, @hits, UTC_TIMESTAMP(3))
      ON DUPLICATE KEY UPDATE hits = @hits, counted_at = UTC_TIMESTAMP(3)`
}

const firstIdOf = (serverId: number) => serverId - (serverId % serversPerSum)
