import { z } from 'zod'
import { askDatabase } from './ask-database.ts'

const rows = z.array(z.object({ id: z.number(), at: z.number() }))

/** When each hit after `after` was counted, by its number: ms since 1970, on the clock of this machine. */
export async function readCountTimes(databaseUrl: string, after: number): Promise<Map<number, number>> {
  const found = await askDatabase(
    databaseUrl,
    `SELECT id, CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', created_at) DIV 1000 AS UNSIGNED) AS at
     FROM access_log WHERE id > ${after}`,
  )
  return new Map(rows.parse(found).map(({ id, at }) => [id, at]))
}
