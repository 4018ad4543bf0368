// Prints the plan and the time of each of the board's queries, on a temporary log with the given number of rows:
//   node tools/launcher/testing/with-database.ts node tools/bench/explain.ts 1000000
// Times include this process's share.

import { createTestDatabase } from '../../prisma/testing/test-database.ts'
import { closePools, openPools } from '../../web/server/db/pools.ts'
import { planTable } from '../../web/testing/explain.ts'
import { fillLog } from './harness/database.ts'

const [, , rows = ''] = process.argv
if (!/^[1-9]\d*$/.test(rows)) {
  console.error('usage: node tools/launcher/testing/with-database.ts node tools/bench/explain.ts <rows>')
  process.exit(2)
}
const { signal } = new AbortController()
await using database = await createTestDatabase()
const pools = openPools(database.url)
try {
  await fillLog(database.url, Number(rows), signal)
  for await (const line of planTable(pools.read)) console.log(line)
} finally {
  await closePools(pools)
}
