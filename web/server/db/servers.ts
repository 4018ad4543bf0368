import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { forgottenAfterSeconds, lostAfterSeconds } from '../../shared/limits.ts'
import { DatabaseUnavailable } from '../errors.ts'
import { lowestFreeName } from '../identity.ts'
import { highestNumber } from './page-view-numbers.ts'
import { connectionsPerReplica, type ReadPool, type WritePool } from './pools.ts'
import { ifAlone, inTransaction, query, queryOn } from './query.ts'
import { byGoneAt, ending, seenWithinSql } from './server-state.ts'

/** Seconds to wait while other replicas register: longer than the lease of one that died meanwhile. */
const registerWaitSeconds = 10

/** ms per statement: longer than the wait for a row lock. Without a limit a silent database would block all heartbeats. */
const registerTimeoutMs = 2000

/** SQL condition: the server is neither gone, stopped nor lost. */
const isLive = `gone_at IS NULL AND stopped_at IS NULL AND ${seenWithinSql('server', lostAfterSeconds)}`

const inserted = z.looseObject({ insertId: z.number().int() })

/** The server that had the address before, and for how many ms its visitors may still send its cookie. */
export type EarlierServer = { name: string; forMs: number }

/**
 * Registers an instance of a replica with a new row, which carries the totals of the earlier instances with its address and name.
 * Marks an earlier instance at the address that did not stop in order as killed. Without a given name it takes the lowest web-N
 * that no live replica has; a lease keeps two from taking the same (docs/decisions/servers.md, 018).
 * `cookieSeconds`: lifetime of the sticky cookie.
 * @throws DatabaseUnavailable if nothing was registered
 */
export async function registerServer(
  pool: WritePool,
  identity: { srvId: string; address: string; name: string | null },
  cookieSeconds = 0,
): Promise<{ id: number; name: string; earlier: EarlierServer | null }> {
  // In one transaction: the board never shows a killed instance as stopped before the one that replaces it.
  const register = async (connection: PoolConnection) => {
    await queryOn(
      connection,
      `UPDATE server ${byGoneAt} SET stopped_at = UTC_TIMESTAMP(3), ended = 'killed'
       WHERE gone_at IS NULL AND srv_id = ? AND stopped_at IS NULL`,
      [identity.srvId],
      registerTimeoutMs,
    )
    const name = identity.name ?? lowestFreeName(await namesInUse(connection))
    const earlier = await findEarlier(connection, identity.srvId, cookieSeconds)
    const carried = await readCarried(connection, identity.srvId, name)
    const result = await queryOn(
      connection,
      `INSERT INTO server (srv_id, name, address, started_at, last_seen_at, earlier_name, earlier_until,
         carried_hits, carried_new_hits, carried_returning_hits, carried_moved_hits, carried_commits, earlier_ended)
       VALUES (?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), ?, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, ?, ?, ?, ?, ?, ?)`,
      [
        ...[
          identity.srvId,
          name,
          identity.address,
          earlier?.name ?? null,
          earlier ? earlier.forMs * 1000 : null,
        ],
        ...[carried.hits, carried.new_hits, carried.returning_hits, carried.moved_hits, carried.commits],
        carried.ended,
      ],
      registerTimeoutMs,
    )
    return { id: inserted.parse(result).insertId, name, earlier }
  }
  return whileAloneRegistering(pool, register)
}

/** The last instance at the address that answered a visitor. Its last heartbeat is no earlier than the last cookie it gave. */
async function findEarlier(
  connection: PoolConnection,
  srvId: string,
  cookieSeconds: number,
): Promise<EarlierServer | null> {
  const columns = 'id, name, last_seen_at'
  const rows = await queryOn(
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
    registerTimeoutMs,
  )
  const [last] = z.array(z.object({ name: z.string(), forMs: z.number() })).parse(rows)
  return last && last.forMs > 0 ? last : null
}

/** A start looks for the instance with its name among so many of the newest at its address, however many there were. */
const instancesLookedAt = 10

const carriedSql = `SELECT hits + carried_hits AS hits, new_hits + carried_new_hits AS new_hits,
    returning_hits + carried_returning_hits AS returning_hits, moved_hits + carried_moved_hits AS moved_hits,
    commits + carried_commits AS commits,
    IF(${seenWithinSql('newest', forgottenAfterSeconds)}, COALESCE(ended, 'stopped'), NULL) AS ended
  FROM (
    SELECT * FROM server FORCE INDEX (server_srv_id_started_at_idx)
    WHERE srv_id = ? ORDER BY started_at DESC, id DESC LIMIT ${instancesLookedAt}
  ) newest
  WHERE name = ? ORDER BY id DESC LIMIT 1`

const carriedRow = z.object({
  hits: z.number().int(),
  new_hits: z.number().int(),
  returning_hits: z.number().int(),
  moved_hits: z.number().int(),
  commits: z.number().int(),
  /** null if it was not shortly before */
  ended: ending.nullable(),
})

const nothingCarried = { hits: 0, new_hits: 0, returning_hits: 0, moved_hits: 0, commits: 0, ended: null }

/** The totals of the newest instance with this address and name, and of those before it. Call it once that one has ended. */
async function readCarried(connection: PoolConnection, srvId: string, name: string) {
  const rows = await queryOn(connection, carriedSql, [srvId, name], registerTimeoutMs)
  const [carried] = z.array(carriedRow).parse(rows)
  return carried ?? nothingCarried
}

/** Renames a registered server to the lowest free name. @throws DatabaseUnavailable */
export async function renameServer(pool: WritePool, serverId: number): Promise<string> {
  return whileAloneRegistering(pool, async connection => {
    const name = lowestFreeName(await namesInUse(connection))
    await queryOn(connection, 'UPDATE server SET name = ? WHERE id = ?', [name, serverId], registerTimeoutMs)
    return name
  })
}

/** Runs `work` in a transaction, while no other replica registers or takes a name. @throws DatabaseUnavailable */
async function whileAloneRegistering<T>(
  pool: WritePool,
  work: (connection: PoolConnection) => Promise<T>,
): Promise<T> {
  const done = await ifAlone(
    pool,
    'register',
    connection => inTransaction(connection, () => work(connection)),
    { waitMs: registerWaitSeconds * 1000 },
  )
  if (done) return done.result
  throw new DatabaseUnavailable(
    new Error(`other replicas have been registering for ${registerWaitSeconds} s`),
  )
}

async function namesInUse(connection: PoolConnection): Promise<string[]> {
  const rows = await queryOn(
    connection,
    `SELECT name FROM server ${byGoneAt} WHERE ${isLive}`,
    [],
    registerTimeoutMs,
  )
  return z
    .array(z.object({ name: z.string() }))
    .parse(rows)
    .map(row => row.name)
}

/** Marks an instance of a replica as stopped. */
export async function endServer(pool: WritePool, serverId: number): Promise<void> {
  const sql = `UPDATE server SET stopped_at = UTC_TIMESTAMP(3), ended = 'stopped', draining = FALSE, rate = 0, streams = 0
    WHERE id = ?`
  await query(pool, sql, [serverId], 1000)
}

type DatabaseLimits = {
  /** maximum connections of all accounts */
  connections: number
  /** maximum connections of the replicas' account; 0: only the limit above */
  accountConnections: number
  /** live replicas, including this one */
  replicas: number
  counter: bigint
}

/** Connections of people, migrations, health checks and the database server itself. */
const otherConnections = 10

// The session's value is the limit of the account: https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html
const limitsSql = `SELECT @@max_connections AS connections,
    @@session.max_user_connections AS accountConnections,
    (SELECT COUNT(*) FROM server ${byGoneAt} WHERE ${isLive}) AS replicas,
    CAST(value AS CHAR) AS counter
  FROM global_counter WHERE id = 1`

const limitsRow = z.tuple([
  z.object({
    connections: z.number().int(),
    accountConnections: z.number().int(),
    replicas: z.number().int(),
    counter: z.string().transform(BigInt),
  }),
])

/**
 * Checks that the database has enough connections for its replicas. Call it once the replica is registered.
 * @returns a warning sentence; null if all is well
 * @throws DatabaseUnavailable if it does not answer, or if its counter is too high to be shown
 */
export async function checkLimits(pool: ReadPool): Promise<string | null> {
  const [limits] = limitsRow.parse(await query(pool, limitsSql))
  if (limits.counter > highestNumber)
    throw new DatabaseUnavailable(
      `its counter stands at ${limits.counter}, and no number past ${highestNumber} can be shown`,
    )
  return connectionWarning(limits)
}

/** The number of replicas that fit into the limits. */
export function replicasThatFit({
  connections,
  accountConnections,
}: Pick<DatabaseLimits, 'connections' | 'accountConnections'>): number {
  const forReplicas = Math.min(connections - otherConnections, accountConnections || Number.POSITIVE_INFINITY)
  return Math.floor(forReplicas / connectionsPerReplica)
}

export function connectionWarning(limits: Omit<DatabaseLimits, 'counter'>): string | null {
  const { connections, accountConnections, replicas } = limits
  const room = replicasThatFit(limits)
  if (replicas <= room) return null
  const forAccount = accountConnections ? `, ${accountConnections} of them from replicas` : ''
  return (
    `The database takes ${connections} connections${forAccount}: with up to ${connectionsPerReplica} for a replica, and ` +
    `${otherConnections} for others, there is room for ${room} replicas, and ${replicas} run. Raise its limits, or run fewer.`
  )
}
