// How the database answers each question, as a table: node web/plans/show-plans.ts <databaseUrl>
// For a log that bench/fill-log.ts made. Times are as this process sees them, so they include its own part.
import { openReadPool } from '../database/pools.ts'
import { planTable } from './plan-table.ts'

const [, , databaseUrl] = process.argv
if (!databaseUrl) {
  console.error('usage: node web/plans/show-plans.ts mysql://user:password@host:port/database')
  process.exit(2)
}
const read = openReadPool(databaseUrl)
try {
  for await (const line of planTable(read)) console.log(line)
} finally {
  await read.end()
}
