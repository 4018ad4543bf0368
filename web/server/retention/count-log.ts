import type { PoolConnection } from 'mysql2/promise'
import { countNextStretch, findOldestCounts, recountStretch } from '../db/count-stretches.ts'
import { rest } from '../lifecycle/rest.ts'

/** stretches a turn counts again: 100,000 numbers, so ten million rows are gone through in 100 turns */
const recounted = 20
/** ms between two stretches */
const breath = 5

/**
 * Counts the stretches that are new, and again those that were counted longest ago: so a row that is lost, wherever it
 * stood, is missed before long.
 */
export async function countLog(connection: PoolConnection, signal: AbortSignal): Promise<void> {
  while (await countNextStretch(connection)) if (!(await rest(breath, signal))) return
  for (const last of await findOldestCounts(connection, recounted)) {
    await recountStretch(connection, last)
    if (!(await rest(breath, signal))) return
  }
}
