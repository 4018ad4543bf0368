import { z } from 'zod'
import { askForRow } from './ask-database.ts'
import type { Tables } from './make-schema.ts'

/** What a contender has counted. */
export type Count = {
  read: () => Promise<number>
  /**
   * The counter now, and whether all agrees with it: the rows of the log since it stood at `from`, the log's highest
   * number and, on the board, the servers' hits.
   */
  check: (from: number) => Promise<{ counter: number; consistent: boolean }>
}

const figure = z.coerce.number()
const value = z.object({ counter: figure })
const figures = z.object({ counter: figure, added: figure, highest: figure, server_hits: figure })

export function countIn(databaseUrl: string, tables: Tables): Count {
  const serverHits = tables === 'board' ? '(SELECT COALESCE(SUM(hits), 0) FROM server)' : 'c.value'
  return {
    async read() {
      const query = 'SELECT value AS counter FROM global_counter WHERE id = 1'
      return (await askForRow(databaseUrl, value, query)).counter
    },
    async check(from) {
      const { counter, added, highest, server_hits } = await askForRow(
        databaseUrl,
        figures,
        `SELECT c.value AS counter, (SELECT COUNT(*) FROM access_log WHERE id > ${from}) AS added,
           (SELECT COALESCE(MAX(id), 0) FROM access_log) AS highest, ${serverHits} AS server_hits
         FROM global_counter c WHERE c.id = 1`,
      )
      const consistent = added === counter - from && highest === counter && server_hits === counter
      return { counter, consistent }
    },
  }
}
