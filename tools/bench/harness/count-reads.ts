import { z } from 'zod'
import { askDatabase, askForRow } from './ask-database.ts'

/**
 * Begins to count the queries that read in this database; the function returned says how many were asked since. By the
 * server's log of statements, which says too who asked: what belongs to a batch of hits or to the log's upkeep comes over
 * connections that also write or lock. Those that were closed meanwhile are not seen.
 */
export async function countReads(databaseUrl: string): Promise<() => Promise<number>> {
  await askDatabase(
    databaseUrl,
    "SET GLOBAL general_log = 0; SET GLOBAL log_output = 'TABLE'; TRUNCATE TABLE mysql.general_log; SET GLOBAL general_log = 1",
  )
  return async () => {
    await askDatabase(databaseUrl, 'SET GLOBAL general_log = 0')
    return (await askForRow(databaseUrl, logged, readsSql)).count
  }
}

const logged = z.object({ count: z.coerce.number() })

const readsSql = `SELECT COUNT(*) AS count FROM mysql.general_log
  WHERE command_type = 'Query'
    AND thread_id IN (SELECT id FROM information_schema.processlist WHERE db = DATABASE())
    AND thread_id NOT IN (
      SELECT thread_id FROM mysql.general_log
      WHERE command_type = 'Query' AND (argument NOT LIKE 'SELECT%' OR argument LIKE '%_LOCK(%')
    )`
