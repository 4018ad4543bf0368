// Control in the database. A command is a wish in the row of one instance of a server. The instance reads its wishes and
// acknowledges them; a later instance has another row, so no wish reaches it. web/server/lifecycle/control.ts writes wishes,
// web/server/replica/services.ts reads and acknowledges them.
import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import type { ControlCommand } from '../../shared/api.ts'
import { controlAnswerSeconds } from '../../shared/limits.ts'
import type { ReadPool, WritePool } from './pools.ts'
import { ifAlone, query, queryOn, renewLease } from './query.ts'
import { byGoneAt } from './server-state.ts'

/** How control ends an instance: restart = in good order, kill = as a crash does. */
export type EndCommand = 'restart' | 'kill'

export const endCommand = z.enum(['restart', 'kill'])

// An older wish must not take effect: its requester no longer waits for it, or it is from a dump.
const oldestSql = `UTC_TIMESTAMP(3) - INTERVAL ${controlAnswerSeconds} SECOND`
const wishedLatelySql = `end_wanted_at > ${oldestSql}`

// The same for a drain and its end: a wish that the server has not acknowledged counts while its record is new.
const drainSql = `IF(drain_wanted = draining OR EXISTS (
    SELECT 1 FROM server_event
    WHERE at > ${oldestSql} AND server_id = server.id AND type = IF(drain_wanted, 'drain', 'undrain')
  ), drain_wanted, draining)`

const wishRow = z
  .object({ drain_wanted: z.number(), end_wanted: endCommand.nullable() })
  .transform(({ drain_wanted, end_wanted }) => ({ drain: drain_wanted !== 0, end: end_wanted }))

/** What an instance should do: whether to drain, and whether to end and how. @throws if there is no answer within `timeoutMs` */
export async function readWish(pool: ReadPool, serverId: number, timeoutMs: number) {
  const sql = `SELECT ${drainSql} AS drain_wanted, IF(${wishedLatelySql}, end_wanted, NULL) AS end_wanted
    FROM server WHERE id = ?`
  const [wish] = z.tuple([wishRow]).parse(await query(pool, sql, [serverId], timeoutMs))
  return wish
}

const written = z.looseObject({ affectedRows: z.number() })

/**
 * Acknowledges the wish to end, once or again. It also is the last heartbeat.
 * @returns false if the wish has been withdrawn or is too old: then the instance must go on
 * @throws if there is no answer within `timeoutMs`
 */
export async function takeEndWish(
  pool: WritePool,
  server: { id: number; srv_id: string },
  end: EndCommand,
  timeoutMs: number,
): Promise<boolean> {
  const sql = `UPDATE server SET end_taken_at = COALESCE(end_taken_at, UTC_TIMESTAMP(3)), last_seen_at = UTC_TIMESTAMP(3)
    WHERE id = ? AND srv_id = ? AND end_wanted = ? AND ${wishedLatelySql}`
  const result = await query(pool, sql, [server.id, server.srv_id, end], timeoutMs)
  return written.parse(result).affectedRows > 0
}

/** ms per statement of a requester */
const timeoutMs = 2000
/** ms to wait for other commands to be written */
const lockTimeoutMs = 3000

/**
 * Runs `work` while no other command is written, so that two commands cannot each count on the other's server. It waits without a
 * connection, because page views need those of `pool`.
 * @returns null if other commands took too long. @throws DatabaseUnavailable
 */
export async function withControlLock<T>(
  pool: WritePool,
  work: (connection: PoolConnection) => Promise<T>,
): Promise<T | null> {
  const done = await ifAlone(pool, 'control', work, { waitMs: lockTimeoutMs })
  return done === null ? null : done.result
}

/** The wishes for a server, for those who decide about further ones. */
export type ServerWishes = { drain: boolean; end: EndCommand | null }

const wishesRows = z.array(
  z
    .object({ id: z.number().int(), drain_wanted: z.number(), end_wanted: endCommand.nullable() })
    .transform(({ id, drain_wanted, end_wanted }): [number, ServerWishes] => [
      id,
      { drain: drain_wanted !== 0, end: end_wanted },
    ]),
)

/** The wishes for each server that is not gone, by its id: those that still count. */
export async function readWishes(connection: PoolConnection): Promise<Map<number, ServerWishes>> {
  const sql = `SELECT id, ${drainSql} AS drain_wanted, IF(end_taken_at IS NOT NULL OR ${wishedLatelySql}, end_wanted, NULL) AS end_wanted
    FROM server ${byGoneAt} WHERE gone_at IS NULL`
  return new Map(wishesRows.parse(await queryOn(connection, sql, [], timeoutMs)))
}

const time = z.tuple([z.object({ now: z.string() })])

/** A use of control in `server_event`. */
export type ControlRecord = { at: string; serverId: number; command: ControlCommand }

/** The database's time. */
export async function readTime(connection: PoolConnection): Promise<string> {
  const [{ now }] = time.parse(await queryOn(connection, 'SELECT UTC_TIMESTAMP(3) AS now', [], timeoutMs))
  return now
}

/**
 * Writes a wish, and records who wished it. `record.at`: from `readTime`, immediately before. `clientIp`: shortened; null = the
 * command line. The database may freeze and run the statement when it goes on: then it writes nothing. So may this process: then
 * another may have decided meanwhile, and it throws.
 * @returns whether it was written
 */
export async function writeWish(
  connection: PoolConnection,
  { at, serverId, command }: ControlRecord,
  clientIp: string | null,
): Promise<boolean> {
  await renewLease(connection)
  const record = 'INSERT IGNORE INTO server_event (at, server_id, type, client_ip) VALUES (?, ?, ?, ?)'
  await queryOn(connection, record, [at, serverId, command, clientIp], timeoutMs)
  const [wish, values] =
    command === 'drain' || command === 'undrain'
      ? ['drain_wanted = ?', [command === 'drain']]
      : ['end_wanted = ?, end_wanted_at = ?, end_taken_at = NULL', [command, at]]
  const sql = `UPDATE server SET ${wish}
    WHERE id = ? AND UTC_TIMESTAMP(3) < CAST(? AS DATETIME(3)) + INTERVAL ${timeoutMs / 1000} SECOND`
  const result = await queryOn(connection, sql, [...values, serverId, at], timeoutMs)
  return written.parse(result).affectedRows > 0
}

/** Records that the server has acknowledged. @throws DatabaseUnavailable */
export async function recordAcknowledged(
  pool: WritePool,
  { at, serverId, command }: ControlRecord,
): Promise<void> {
  const sql =
    'UPDATE server_event SET until_at = UTC_TIMESTAMP(3) WHERE at = ? AND server_id = ? AND type = ?'
  await query(pool, sql, [at, serverId, command], timeoutMs)
}

/** Whether an instance has acknowledged the wish to end. @throws DatabaseUnavailable without an answer within `timeoutMs` */
export async function readEndTaken(pool: ReadPool, serverId: number, timeoutMs: number): Promise<boolean> {
  const sql = 'SELECT end_taken_at IS NOT NULL AS taken FROM server WHERE id = ?'
  const rows = z.array(z.object({ taken: z.number() })).parse(await query(pool, sql, [serverId], timeoutMs))
  return rows[0]?.taken === 1
}

/** ms for taking a wish back: short, so that it can be tried until shortly before the answer */
const takeBackTimeoutMs = 1000

/** Withdraws the wish to end. @returns false if the instance has acknowledged it. @throws DatabaseUnavailable */
export async function withdrawEnd(pool: WritePool, serverId: number): Promise<boolean> {
  const sql = 'UPDATE server SET end_wanted = NULL WHERE id = ? AND end_taken_at IS NULL'
  return written.parse(await query(pool, sql, [serverId], takeBackTimeoutMs)).affectedRows > 0
}

/**
 * Sets the wish to drain back to what it was. The server may have just obeyed the other one, so this is a new wish, with a record.
 * @throws DatabaseUnavailable
 */
export async function restoreDrain(pool: WritePool, serverId: number, wanted: boolean): Promise<void> {
  const record = 'INSERT IGNORE INTO server_event (at, server_id, type) VALUES (UTC_TIMESTAMP(3), ?, ?)'
  await query(pool, record, [serverId, wanted ? 'drain' : 'undrain'], takeBackTimeoutMs)
  const sql = 'UPDATE server SET drain_wanted = ? WHERE id = ?'
  await query(pool, sql, [wanted, serverId], takeBackTimeoutMs)
}
