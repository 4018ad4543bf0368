import { z } from 'zod'
import { ask } from './ask.ts'
import { toIsoTime } from './iso-time.ts'
import { byGoneAt } from './liveness.ts'
import type { ReadPool } from './pools.ts'

/** A life of a server, from its start to its end. */
export type Life = {
  id: number
  srv_id: string
  name: string
  started_at: string
  last_seen_at: string
  /** when it left, or another life began at its address; null = neither */
  stopped_at: string | null
  /** ms without a sign, until it stopped, or until now */
  silent_ms: number
}

const columns = `id, srv_id, name, started_at, last_seen_at, stopped_at,
    TIMESTAMPDIFF(MICROSECOND, last_seen_at, COALESCE(stopped_at, UTC_TIMESTAMP(3))) DIV 1000 AS silent_ms`

// Those that are gone by an index, from the newest on: so it is a few, however many there ever were.
const sql = `SELECT ${columns} FROM (
    (SELECT * FROM server ${byGoneAt} WHERE gone_at IS NULL AND last_seen_at >= ? AND ready_at IS NOT NULL ORDER BY id DESC LIMIT ?)
    UNION ALL
    (SELECT * FROM server ${byGoneAt} WHERE gone_at >= ? AND ready_at IS NOT NULL ORDER BY gone_at DESC LIMIT ?)
  ) lives
  ORDER BY id DESC LIMIT ?`

const time = z.string().transform(toIsoTime)
const lives = z.array(
  z.object({
    id: z.number().int(),
    srv_id: z.string(),
    name: z.string(),
    started_at: time,
    last_seen_at: time,
    stopped_at: time.nullable(),
    silent_ms: z.number(),
  }),
)

/** The lives that were seen after `since` and could serve, the newest first. */
export async function readLives(read: ReadPool, since: Date, limit: number): Promise<Life[]> {
  return lives.parse(await ask(read, sql, [since, limit, since, limit, limit]))
}
