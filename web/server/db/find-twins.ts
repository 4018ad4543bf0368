import { z } from 'zod'
import { ask } from './ask.ts'
import { byGoneAt, seenWithinSql } from './liveness.ts'
import type { ReadPool } from './pools.ts'

const sql = `SELECT id, name, srv_id FROM server ${byGoneAt}
  WHERE gone_at IS NULL AND (srv_id = ? OR name = ?) AND id <> ? AND stopped_at IS NULL AND ${seenWithinSql('server', 'lost')}`

const twins = z.array(z.object({ id: z.number().int(), name: z.string(), srv_id: z.string() }))

export type Twin = z.output<typeof twins>[0]

/** Other servers that live at the same address, or under the same name. @throws when the database does not answer within `timeoutMs` */
export async function findTwins(
  read: ReadPool,
  server: { id: number; srv_id: string; name: string },
  timeoutMs: number,
): Promise<Twin[]> {
  return twins.parse(await ask(read, sql, [server.srv_id, server.name, server.id], timeoutMs))
}
