import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { afterDatabase, type Fault } from '../fault.ts'
import type { Ground } from '../testbed/ground.ts'
import { until } from '../testbed/until.ts'

const days = 31
const day = 86_400
/** More than the ten seconds after which retention looks at the log again, on each replica. */
const forMs = 12_000

/** Rows are removed from the log by their age. By a clock that jumped ahead for a moment, all are old. */
export const databaseClockJumped: Fault = {
  name: 'database-clock-jumped',
  title: `the database’s clock ${days} days ahead for ${forMs / 1000} s`,
  allows: [],
  needs: ['databaseClock'],
  setsClockBack: true,
  recoversWithin: afterDatabase,
  async inject(ground) {
    ground.databaseClock?.jumpTo(days * day)
    await untilClockIs(ground, days)
    await pause(forMs)
    ground.databaseClock?.jumpTo(0)
    await untilClockIs(ground, 0)
  },
  async check(ground) {
    const logs = ground.parts().replicas.map(ground.logOf)
    if (!logs.some(log => /clock/i.test(log)))
      ground.complaints.push('no replica logged that the clock of the database jumped')
  },
}

const clockRow = z.tuple([z.object({ seconds: z.coerce.number() })])

/** The process looks at its faked time once a second. @throws when it has not jumped after a minute */
async function untilClockIs(ground: Ground, daysAhead: number): Promise<void> {
  const connection = await ground.database.connect()
  try {
    await until(`the clock of the database is ${daysAhead} days ahead`, async () => {
      const [rows] = await connection.query('SELECT UNIX_TIMESTAMP() AS seconds')
      const [{ seconds }] = clockRow.parse(rows)
      const ahead = (seconds - Date.now() / 1000) / day
      return Math.abs(ahead - daysAhead) < 0.01
    })
  } finally {
    await connection.end()
  }
}
