import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { askOn } from './ask.ts'

/** Numbers one checkpoint stands for. A stretch's last number is a multiple of it. */
export const stretchLength = 5000

/** Rows that need not be counted, as their stretches were: those of the numbers `from` to `to`. */
export type CountedStretches = { from: number; to: number; rows: number }

const countedSql = `SELECT MIN(last_id) AS first, MAX(last_id) AS last, COUNT(*) AS stretches,
    CAST(SUM(found) AS UNSIGNED) AS found
  FROM log_checkpoint WHERE last_id BETWEEN ? AND ?`

const number = z.number().int().nullable()
const counted = z.tuple([
  z.object({ first: number, last: number, stretches: z.number().int(), found: number }),
])

/**
 * What the checkpoints say of the whole stretches within the numbers `from` to `to`.
 * @returns null = nothing, or not of all stretches between the first and the last, so nothing that can be relied on
 */
export async function readCountedStretches(
  connection: PoolConnection,
  { from, to }: { from: number; to: number },
): Promise<CountedStretches | null> {
  const [{ first, last, stretches, found }] = counted.parse(
    await askOn(connection, countedSql, [from + stretchLength - 1, to]),
  )
  if (first === null || last === null || found === null) return null
  if (last - first !== (stretches - 1) * stretchLength) return null
  return { from: first - stretchLength + 1, to: last, rows: found }
}

const rowCount = z.tuple([z.object({ n: z.number().int() })])

/** Counts the rows of the numbers `from` to `to`. By the key: in it they stand together. */
export async function countRows(connection: PoolConnection, from: number, to: number, timeoutMs?: number) {
  const sql = 'SELECT COUNT(*) AS n FROM access_log FORCE INDEX (PRIMARY) WHERE id BETWEEN ? AND ?'
  const [{ n }] = rowCount.parse(await askOn(connection, sql, [from, to], timeoutMs))
  return n
}
