import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { askOn } from './ask.ts'

const sql = 'SELECT MIN(id) AS lowest, MAX(id) AS highest FROM access_log'

const number = z.number().int().nullable()
const bounds = z.tuple([z.object({ lowest: number, highest: number })])

/** The lowest and the highest number in the log; null = it is empty. Two looks into an index. */
export async function readLogBounds(connection: PoolConnection) {
  const [{ lowest, highest }] = bounds.parse(await askOn(connection, sql))
  return lowest === null || highest === null ? null : { lowest, highest }
}
