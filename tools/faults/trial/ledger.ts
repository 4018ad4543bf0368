import type { Connection } from 'mysql2/promise'
import { z } from 'zod'

/** A row of the log, as the database has it. */
export type LoggedHit = { id: number; requestId: string; clientIp: string; serverId: number; at: string }

/** What the database says of all that was counted. */
export type Ledger = {
  counter: number
  maxId: number
  rows: number
  sumHits: number
  /** in the order of their numbers */
  logged: LoggedHit[]
}

const figures = z.tuple([
  z.object({
    counter: z.coerce.number(),
    maxId: z.coerce.number(),
    rows: z.coerce.number(),
    sumHits: z.coerce.number(),
  }),
])
const loggedHits = z.array(
  z.object({
    id: z.coerce.number(),
    requestId: z.string(),
    clientIp: z.string(),
    serverId: z.number(),
    at: z.string(),
  }),
)

/** Reads the figures, and the log from the number after `after`, in one consistent read. */
export async function readLedger(connection: Connection, after: number): Promise<Ledger> {
  await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT')
  const [totals] = await connection.query(`SELECT (SELECT value FROM global_counter WHERE id = 1) AS counter,
    (SELECT COALESCE(MAX(id), 0) FROM access_log) AS maxId, (SELECT COUNT(*) FROM access_log) AS \`rows\`,
    (SELECT SUM(hits) FROM server) AS sumHits`)
  const [rows] = await connection.query(
    `SELECT id, request_id AS requestId, client_ip AS clientIp, server_id AS serverId, CAST(created_at AS CHAR) AS at
     FROM access_log WHERE id > ? ORDER BY id`,
    [after],
  )
  await connection.query('COMMIT')
  return { ...figures.parse(totals)[0], logged: loggedHits.parse(rows) }
}
