import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { lowestFreeName } from '../server-name.ts'
import { askOn, onConnection } from './ask.ts'
import { byGoneAt, seenWithinSql } from './liveness.ts'
import { releaseLock, takeLock } from './named-lock.ts'
import type { WritePool } from './pools.ts'

/** How long to wait for another replica that is registering, in seconds. */
const lockTimeout = 10

/** ms a statement may take: more than a lock on a row is waited for. Without a limit a silent database would end all heartbeats. */
const patience = 2000

const inserted = z.looseObject({ insertId: z.number().int() })

/** A server that had the address before, and for how many ms cookies of its visitors may still come. */
export type EarlierServer = { name: string; forMs: number }

/**
 * Begins a life of a replica: a row for it, which inherits nothing. An earlier life at the same address is marked as
 * stopped; if it lives all the same, its next heartbeat takes that back (web/server/lifecycle/own-row.ts). Without a given name the
 * replica takes the lowest web-N that no live one has; the lock keeps two from taking the same.
 * `cookieSeconds` is the life of a cookie: so long after the earlier life's last sign its visitors may come here.
 * @throws DatabaseTrouble, with nothing registered
 */
export async function registerServer(
  pool: WritePool,
  identity: { srvId: string; address: string; name: string | null },
  cookieSeconds = 0,
): Promise<{ id: number; name: string; earlier: EarlierServer | null }> {
  return onConnection(pool, async connection => {
    if (!(await takeLock(connection, 'register', lockTimeout)))
      throw new Error(`other replicas have been registering for ${lockTimeout} s`)
    await askOn(
      connection,
      'UPDATE server SET stopped_at = UTC_TIMESTAMP(3) WHERE gone_at IS NULL AND srv_id = ? AND stopped_at IS NULL',
      [identity.srvId],
      patience,
    )
    const name = identity.name ?? lowestFreeName(await namesInUse(connection))
    const earlier = await findEarlier(connection, identity.srvId, cookieSeconds)
    const result = await askOn(
      connection,
      `INSERT INTO server (srv_id, name, address, started_at, last_seen_at, earlier_name, earlier_until)
       VALUES (?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), ?, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND)`,
      [identity.srvId, name, identity.address, earlier?.name ?? null, earlier ? earlier.forMs * 1000 : null],
      patience,
    )
    await releaseLock(connection, 'register')
    return { id: inserted.parse(result).insertId, name, earlier }
  })
}

/** The last life at the address that answered anybody; its last sign is no earlier than the last cookie it gave. */
async function findEarlier(
  connection: PoolConnection,
  srvId: string,
  cookieSeconds: number,
): Promise<EarlierServer | null> {
  const columns = 'id, name, last_seen_at'
  const rows = await askOn(
    connection,
    `SELECT name, ? * 1000 - TIMESTAMPDIFF(MICROSECOND, last_seen_at, UTC_TIMESTAMP(3)) DIV 1000 AS forMs
     FROM (
       SELECT ${columns} FROM server ${byGoneAt} WHERE gone_at IS NULL AND srv_id = ? AND hits > 0
       UNION ALL
       SELECT ${columns} FROM server ${byGoneAt}
       WHERE gone_at > UTC_TIMESTAMP(3) - INTERVAL ? SECOND AND srv_id = ? AND hits > 0
     ) lately
     ORDER BY id DESC LIMIT 1`,
    [cookieSeconds, srvId, cookieSeconds, srvId],
    patience,
  )
  const [last] = z.array(z.object({ name: z.string(), forMs: z.number() })).parse(rows)
  return last && last.forMs > 0 ? last : null
}

/** Gives a server that is registered the lowest free name instead of the one it has. @throws DatabaseTrouble */
export async function renameServer(pool: WritePool, serverId: number): Promise<string> {
  return onConnection(pool, async connection => {
    if (!(await takeLock(connection, 'register', lockTimeout)))
      throw new Error(`other replicas have been registering for ${lockTimeout} s`)
    const name = lowestFreeName(await namesInUse(connection))
    await askOn(connection, 'UPDATE server SET name = ? WHERE id = ?', [name, serverId], patience)
    await releaseLock(connection, 'register')
    return name
  })
}

async function namesInUse(connection: PoolConnection): Promise<string[]> {
  const rows = await askOn(
    connection,
    `SELECT name FROM server ${byGoneAt} WHERE gone_at IS NULL AND stopped_at IS NULL AND ${seenWithinSql('server', 'lost')}`,
    [],
    patience,
  )
  return z
    .array(z.object({ name: z.string() }))
    .parse(rows)
    .map(row => row.name)
}
