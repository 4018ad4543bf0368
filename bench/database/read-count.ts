import { z } from 'zod'
import { askForRow } from './ask-database.ts'
import type { Tables } from './make-schema.ts'

const figures = z.object({
  counter: z.number(),
  log_rows: z.number(),
  highest: z.number(),
  server_hits: z.number(),
})

/** The counter, and whether it agrees with the log: with its rows, its highest number and, on the board, the servers' hits. */
export async function readCount(
  databaseUrl: string,
  tables: Tables,
): Promise<{ counter: number; consistent: boolean }> {
  const servers = tables === 'board' ? 'SELECT COALESCE(SUM(hits), 0) FROM server' : 'c.value'
  const { counter, log_rows, highest, server_hits } = await askForRow(
    databaseUrl,
    figures,
    `SELECT c.value AS counter, (SELECT COUNT(*) FROM access_log) AS log_rows,
       (SELECT COALESCE(MAX(id), 0) FROM access_log) AS highest, CAST((${servers}) AS UNSIGNED) AS server_hits
     FROM global_counter c WHERE c.id = 1`,
  )
  return { counter, consistent: [log_rows, highest, server_hits].every(figure => figure === counter) }
}
