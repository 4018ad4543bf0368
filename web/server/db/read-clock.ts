import { z } from 'zod'
import { ask } from './ask.ts'
import { toIsoTime } from './iso-time.ts'
import type { ReadPool } from './pools.ts'

const clock = z.tuple([z.object({ now: z.string() })])

/** The time by the database's clock, which all replicas share. */
export async function readClock(read: ReadPool): Promise<Date> {
  const rows = await ask(read, 'SELECT UTC_TIMESTAMP(3) AS now')
  const [{ now }] = clock.parse(rows)
  return new Date(toIsoTime(now))
}
