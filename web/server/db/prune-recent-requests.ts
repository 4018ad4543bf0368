import { z } from 'zod'
import { askOn, inTransaction, onConnection } from './ask.ts'
import type { WritePool } from './pools.ts'

/** Minutes a request id is kept, by the database's clock: longer than any retry. */
const keepMinutes = 10

// The times stand in the log. An id whose row has gone from there is older than any retry.
const oldestSql = `SELECT MIN(IF(a.created_at > UTC_TIMESTAMP(3) - INTERVAL ${keepMinutes} MINUTE, r.id, NULL)) AS kept,
    MAX(r.id) AS last
  FROM (SELECT id FROM recent_request WHERE id <= ? ORDER BY id LIMIT ?) r
  LEFT JOIN access_log a ON a.id = r.id`

const number = z.number().int().nullable()
const oldest = z.tuple([z.object({ kept: number, last: number })])
const done = z.looseObject({ affectedRows: z.number() })

/**
 * Forgets request ids of hits that are ten minutes old and have a number up to `lastId`, from the lowest number upward, a
 * batch at a time: it reads no further than the first one that stays. @returns how many went
 */
export function pruneRecentRequests(pool: WritePool, lastId: number, limit: number): Promise<number> {
  return onConnection(pool, connection =>
    inTransaction(connection, async () => {
      const [{ kept, last }] = oldest.parse(await askOn(connection, oldestSql, [lastId, limit]))
      const through = kept === null ? last : kept - 1
      if (through === null) return 0
      const sql = 'DELETE FROM recent_request WHERE id <= ? ORDER BY id LIMIT ?'
      return done.parse(await askOn(connection, sql, [through, limit])).affectedRows
    }),
  )
}
