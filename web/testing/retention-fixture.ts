import { createTestDatabase } from '../../prisma/testing/test-database.ts'
import { closePools, openPools } from '../server/db/pools.ts'
import { readAudit } from '../server/db/read-audit.ts'
import { auditOf } from '../server/endpoints/audit.ts'
import { addLife, addManyHits, srvIdOf } from './log-fixture.ts'

/** A database with nothing in it, as two replicas would use it. */
export async function openBoard() {
  const database = await createTestDatabase()
  const replicas = [openPools(database.url), openPools(database.url)] as const
  const fill = replicas[0].write

  /** Counts and logs the numbers up to `to`, all of one server, at a time so many seconds ago. */
  async function log(to: number, secondsAgo = 0): Promise<void> {
    const { counter } = await audit()
    if (counter === 0) await addLife(fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1', hits: 0 })
    await addManyHits(fill, counter + 1, to)
    await fill.query('UPDATE access_log SET created_at = UTC_TIMESTAMP(3) - INTERVAL ? SECOND WHERE id > ?', [
      secondsAgo,
      counter,
    ])
    await fill.query(
      'UPDATE global_counter SET value = ?; UPDATE server SET hits = ?, last_seen_at = UTC_TIMESTAMP(3)',
      [to, to],
    )
  }

  const audit = async () => auditOf(await readAudit(replicas[0].read))

  return {
    url: database.url,
    replicas,
    fill,
    log,
    audit,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(replicas.map(closePools))
      await database.drop()
    },
  }
}

/** A signal that says: go on. */
export const running = new AbortController().signal

export const day = 86_400
