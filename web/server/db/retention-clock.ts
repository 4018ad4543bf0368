import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { ask, askOn } from './ask.ts'
import { toIsoTime } from './iso-time.ts'
import type { ReadPool } from './pools.ts'

export type ClockReading = {
  /** the database's time now */
  now: Date
  /** the time that retention believed last; null = it never ran */
  believedAt: Date | null
}

const sql = `SELECT UTC_TIMESTAMP(3) AS now,
  (SELECT believed_at FROM retention_clock WHERE id = 1) AS believed_at`

const toDate = (text: string) => new Date(toIsoTime(text))
const reading = z.tuple([
  z.object({
    now: z.string().transform(toDate),
    believed_at: z.string().transform(toDate).nullable(),
  }),
])

/** @throws DatabaseTrouble */
export async function readRetentionClock(read: ReadPool): Promise<ClockReading> {
  const [{ now, believed_at: believedAt }] = reading.parse(await ask(read, sql))
  return { now, believedAt }
}

/** Notes the time that retention goes by, for replicas that start later. */
export async function writeBelievedTime(connection: PoolConnection, now: Date): Promise<void> {
  const write = `INSERT INTO retention_clock (id, believed_at) VALUES (1, ?)
    ON DUPLICATE KEY UPDATE believed_at = ?`
  await askOn(connection, write, [now, now])
}
