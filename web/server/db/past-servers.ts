import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { askOn } from './ask.ts'
import { byGoneAt } from './liveness.ts'

// A server that was not seen for ten minutes is marked as gone (`gone_at`), and its hits are added to those of its stretch
// (`past_hits`). It keeps its row and its hits: the log and the history need its name. One that wakes after that begins
// another life (web/server/db/commit-hits.ts).

/** Ids of servers that one row of `past_hits` stands for. Its `first_id` is a multiple of it. */
const stretchLength = 1000
/** servers marked in one transaction, at most */
const batch = 500
/** Minutes without a sign after which a server is gone: many times those after which it is no longer shown. */
const goneMinutes = 10

/** All hits of servers, gone or not, within one statement. */
export const sumHitsSql = `CAST(
    (SELECT COALESCE(SUM(hits), 0) FROM past_hits) +
    (SELECT COALESCE(SUM(hits), 0) FROM server ${byGoneAt} WHERE gone_at IS NULL)
  AS UNSIGNED)`

const silentSql = `SELECT id FROM server
  WHERE gone_at IS NULL AND last_seen_at < CAST(? AS DATETIME(3)) - INTERVAL ${goneMinutes} MINUTE
  ORDER BY id LIMIT ${batch}`

const ids = z.array(z.object({ id: z.number().int() }))

/**
 * Marks servers that are gone at the time `now`, those of one stretch. On a connection that no other replica's turn shares
 * (`ifAlone`). @returns how many; 0 = there is none
 */
export async function markGoneServers(connection: PoolConnection, now: Date): Promise<number> {
  const silent = ids.parse(await askOn(connection, silentSql, [now])).map(({ id }) => id)
  const [lowest] = silent
  if (lowest === undefined) return 0
  const first = stretchOf(lowest)
  const gone = silent.filter(id => stretchOf(id) === first)
  // Asked again under the row's lock: it may have been seen meanwhile. One that never served is in no history.
  const mark = `UPDATE server SET gone_at = IF(ready_at IS NULL, '1970-01-01', last_seen_at)
    WHERE id IN (?) AND gone_at IS NULL AND last_seen_at < CAST(? AS DATETIME(3)) - INTERVAL ${goneMinutes} MINUTE`
  await askOn(connection, `START TRANSACTION; ${mark}; ${addUpSql(first)}; COMMIT`, [gone, now])
  return gone.length
}

/** Adds the hits of some stretches up again, those that were added up longest ago: so a row that was changed is noticed. */
export async function recountPastHits(connection: PoolConnection, limit: number): Promise<void> {
  const sql = 'SELECT first_id AS id FROM past_hits ORDER BY counted_at, first_id LIMIT ?'
  for (const { id } of ids.parse(await askOn(connection, sql, [limit])))
    await askOn(connection, `START TRANSACTION; ${addUpSql(id)}; COMMIT`)
}

function addUpSql(first: number): string {
  const last = first + stretchLength - 1
  return `SET @hits = (SELECT COALESCE(SUM(hits), 0) FROM server
      WHERE id BETWEEN ${first} AND ${last} AND gone_at IS NOT NULL);
    INSERT INTO past_hits (first_id, hits, counted_at) VALUES (${first}, @hits, UTC_TIMESTAMP(3))
      ON DUPLICATE KEY UPDATE hits = @hits, counted_at = UTC_TIMESTAMP(3)`
}

const stretchOf = (id: number) => id - (id % stretchLength)
