import type { ResultSetHeader } from 'mysql2/promise'
import type { WritePool } from './pools.ts'

/** Forgets request ids of hits up to `lastId`, a small batch at a time. @returns how many went */
export async function pruneRecentRequests(pool: WritePool, lastId: number, limit: number): Promise<number> {
  const [result] = await pool.query<ResultSetHeader>(
    'DELETE FROM recent_request WHERE id <= ? ORDER BY id LIMIT ?',
    [lastId, limit],
  )
  return result.affectedRows
}
