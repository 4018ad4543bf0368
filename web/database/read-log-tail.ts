import { z } from 'zod'
import type { LogRow } from '../answers.ts'
import { ask } from './ask.ts'
import { logColumns, logTables, toLogRow } from './log-row.ts'
import type { ReadPool } from './pools.ts'

const sql = `SELECT ${logColumns} FROM ${logTables} WHERE a.id > ? AND a.id <= ? ORDER BY a.id DESC LIMIT ?`

/**
 * The newest rows with `after` < id <= `upTo`, newest first. Numbers commit in order, so none below `upTo` is missing.
 * @throws when the database does not answer within `timeoutMs`
 */
export async function readLogTail(
  pool: ReadPool,
  range: { after: number; upTo: number; limit: number },
  showAddress: (address: string) => string,
  timeoutMs: number,
): Promise<LogRow[]> {
  const values = [range.after, range.upTo, range.limit]
  const rows = await ask(pool, sql, values, timeoutMs)
  return z
    .array(z.unknown())
    .parse(rows)
    .map(row => toLogRow(row, showAddress))
}
