// How the database answers each question, as a table, on a log of so many rows that is made for it and thrown away after it:
//   node local/database/with-database.ts node bench/show-plans.ts 1000000
// Times are as this process sees them, so they include its own part.

import { createTestDatabase } from '../local/database/test-database.ts'
import { onConnection } from '../web/database/ask.ts'
import { closePools, openPools } from '../web/database/pools.ts'
import { planTable } from '../web/plans/plan-table.ts'
import { countLog } from '../web/retention/count-log.ts'
import { fillLog } from './growth/fill-log.ts'

const [, , rows = ''] = process.argv
if (!/^[1-9]\d*$/.test(rows)) {
  console.error('usage: node local/database/with-database.ts node bench/show-plans.ts <rows>')
  process.exit(2)
}
const { signal } = new AbortController()
await using database = await createTestDatabase()
const { read, write, ...others } = openPools(database.url)
try {
  await fillLog(database.url, Number(rows), signal)
  // As replicas do while they run.
  await onConnection(write, connection => countLog(connection, signal), 600_000)
  for await (const line of planTable(read)) console.log(line)
} finally {
  await closePools({ read, write, ...others })
}
