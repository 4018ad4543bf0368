// How the database answers each question, as a table, on a log of so many rows that is made for it and thrown away after it:
//   node tools/launcher/testing/with-database.ts node tools/bench/explain.ts 1000000
// Times are as this process sees them, so they include its own part.

import { createTestDatabase } from '../../prisma/testing/test-database.ts'
import { closePools, openPools } from '../../web/server/db/pools.ts'
import { onConnection } from '../../web/server/db/query.ts'
import { countLog } from '../../web/server/retention/retention.ts'
import { planTable } from '../../web/testing/explain.ts'
import { fillLog } from './harness/database.ts'

const [, , rows = ''] = process.argv
if (!/^[1-9]\d*$/.test(rows)) {
  console.error('usage: node tools/launcher/testing/with-database.ts node tools/bench/explain.ts <rows>')
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
