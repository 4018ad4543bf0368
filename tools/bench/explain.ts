// Prints the plan and the time of each of the board's queries, on a temporary log with the given number of rows:
//   node tools/launcher/testing/with-database.ts node tools/bench/explain.ts 1000000
// Times include this process's share.

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
  // Replicas write log checkpoints while they run.
  await onConnection(write, connection => countLog(connection, signal), 600_000)
  for await (const line of planTable(read)) console.log(line)
} finally {
  await closePools({ read, write, ...others })
}
