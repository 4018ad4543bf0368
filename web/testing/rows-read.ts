import { z } from 'zod'
import { ask } from '../server/db/ask.ts'
import type { ReadPool } from '../server/db/pools.ts'

// MariaDB counts an index entry apart that it looks at and leaves out before it reads the row.
const statusSql = `SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Handler_icp_attempts'`

const counts = z.array(z.object({ Value: z.coerce.number() }))

/** How many rows and index entries the database looked at to answer. On a pool that nobody else uses meanwhile. */
export async function rowsRead(read: ReadPool, question: () => Promise<unknown>): Promise<number> {
  await question()
  const before = await readsSoFar(read)
  await question()
  const between = await readsSoFar(read)
  // Reading the counts is itself counted.
  return between - before - ((await readsSoFar(read)) - between)
}

/** By this session: a pool that is asked one thing after the other has one connection. */
async function readsSoFar(read: ReadPool): Promise<number> {
  const rows = counts.parse(await ask(read, statusSql))
  return rows.reduce((sum, row) => sum + row.Value, 0)
}
