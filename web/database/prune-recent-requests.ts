import { z } from 'zod'
import { ask } from './ask.ts'
import type { WritePool } from './pools.ts'

const done = z.looseObject({ affectedRows: z.number() })

/** Forgets request ids of hits up to `lastId`, a small batch at a time. @returns how many went */
export async function pruneRecentRequests(pool: WritePool, lastId: number, limit: number): Promise<number> {
  const sql = 'DELETE FROM recent_request WHERE id <= ? ORDER BY id LIMIT ?'
  return done.parse(await ask(pool, sql, [lastId, limit])).affectedRows
}
