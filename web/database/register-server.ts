import type { PoolConnection, ResultSetHeader } from 'mysql2/promise'
import { z } from 'zod'
import { lowestFreeName } from '../identity/server-name.ts'
import { onConnection } from './ask.ts'
import { seenWithinSql } from './liveness.ts'
import { releaseLock, takeLock } from './named-lock.ts'
import type { WritePool } from './pools.ts'

/** How long to wait for another replica that is registering, in seconds. */
const lockTimeout = 10

/**
 * Begins a life of a replica: a row of its own, which inherits nothing. An earlier life at the same address is over,
 * since the address is ours now. Without a name of its own the replica takes the lowest web-N that no live one has;
 * the lock keeps two from taking the same.
 * @throws DatabaseTrouble, with nothing registered
 */
export async function registerServer(
  pool: WritePool,
  identity: { srvId: string; address: string; name: string | null },
): Promise<{ id: number; name: string }> {
  return onConnection(pool, async connection => {
    if (!(await takeLock(connection, 'register', lockTimeout)))
      throw new Error(`other replicas have been registering for ${lockTimeout} s`)
    await connection.query(
      'UPDATE server SET stopped_at = UTC_TIMESTAMP(3) WHERE srv_id = ? AND stopped_at IS NULL',
      [identity.srvId],
    )
    const name = identity.name ?? lowestFreeName(await namesInUse(connection))
    const [inserted] = await connection.query<ResultSetHeader>(
      `INSERT INTO server (srv_id, name, address, started_at, last_seen_at)
       VALUES (?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))`,
      [identity.srvId, name, identity.address],
    )
    await releaseLock(connection, 'register')
    return { id: inserted.insertId, name }
  })
}

async function namesInUse(connection: PoolConnection): Promise<string[]> {
  const [rows] = await connection.query(
    `SELECT name FROM server WHERE stopped_at IS NULL AND ${seenWithinSql('server', 'lost')}`,
  )
  return z
    .array(z.object({ name: z.string() }))
    .parse(rows)
    .map(row => row.name)
}
