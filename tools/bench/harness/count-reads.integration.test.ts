import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../../prisma/connect.ts'
import { createTestDatabase } from '../../../prisma/testing/test-database.ts'
import { countReads } from './count-reads.ts'

test('queries of connections that only read are counted, those of others are not', async () => {
  await using database = await createTestDatabase()
  const [reader, writer, upkeep] = await Promise.all([1, 2, 3].map(() => connect(database.url, 5000)))
  const count = await countReads(database.url)
  for (let time = 0; time < 3; time++) {
    await reader?.query('SELECT value FROM global_counter')
    await writer?.query('START TRANSACTION; SELECT value FROM global_counter; COMMIT')
    await upkeep?.query("SELECT GET_LOCK('a lock', 0)")
    await upkeep?.query('SELECT value FROM global_counter')
  }
  assert.equal(await count(), 3)
  await Promise.all([reader, writer, upkeep].map(connection => connection?.end()))
})
