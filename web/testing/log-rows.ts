import type { Pool } from 'mysql2/promise'
import { createTestDatabase } from '../../prisma/testing/test-database.ts'
import { auditOf, readAudit } from '../server/db/audit.ts'
import { closePools, openPools } from '../server/db/pools.ts'

/** A srv_id that is easy to recognise: the same hex digit 32 times. */
export function srvIdOf(digit: string): string {
  return digit.repeat(32)
}

type Instance = { id: number; srvId: string; name: string; startedAt?: string; hits?: number }

export async function addInstance(
  fill: Pool,
  { id, srvId, name, startedAt, hits = 1 }: Instance,
): Promise<void> {
  const started = startedAt ?? '2026-11-22 12:00:00.000'
  await fill.query(
    `INSERT INTO server (id, srv_id, name, address, hits, started_at, last_seen_at)
     VALUES (?, ?, ?, '10.0.0.1:3000', ?, ?, ?)`,
    [id, srvId, name, hits, started, started],
  )
}

type LoggedHit = {
  id: number
  srvId?: string
  serverId?: number
  ip?: string
  cookie?: string | null
  at?: string
}

export async function addHits(fill: Pool, hits: LoggedHit[]): Promise<void> {
  const rows = hits.map(({ id, srvId = srvIdOf('a'), serverId = 1, ip = '10.0.0.7', cookie = null, at }) => [
    id,
    at ?? '2026-11-22 12:04:31.203',
    ip,
    srvId,
    serverId,
    cookie,
    id.toString(16).padStart(32, '0'),
  ])
  await fill.query(
    'INSERT INTO access_log (id, created_at, client_ip, srv_id, server_id, cookie_srv_id, request_id) VALUES ?',
    [rows],
  )
}

/** Log rows of server 1, with the numbers `from` to `to` and one client address. */
export async function addManyHits(fill: Pool, from: number, to: number, ip = '10.0.0.7'): Promise<void> {
  const digits =
    'SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9'
  await fill.query(
    `INSERT INTO access_log (id, created_at, client_ip, srv_id, server_id, request_id)
     SELECT n.id, '2026-11-22 12:04:31.203', ?, ?, 1, LPAD(HEX(n.id), 32, '0')
     FROM (SELECT ? + a.d + 10*b.d + 100*c.d + 1000*e.d + 10000*f.d + 100000*g.d AS id
       FROM (${digits}) a, (${digits}) b, (${digits}) c, (${digits}) e, (${digits}) f, (SELECT 0 AS d UNION SELECT 1) g) n
     WHERE n.id <= ?`,
    [ip, srvIdOf('a'), from, to],
  )
}

export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at)
}

/** An empty database, used by two replicas. */
export async function openBoard() {
  const database = await createTestDatabase()
  const replicas = [openPools(database.url), openPools(database.url)] as const
  const fill = replicas[0].write

  /** Counts and logs the numbers up to `to` for one server, dated `secondsAgo`. */
  async function log(to: number, secondsAgo = 0): Promise<void> {
    const { counter } = await audit()
    if (counter === 0) await addInstance(fill, { id: 1, srvId: srvIdOf('a'), name: 'web-1', hits: 0 })
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

/** A signal that is never aborted. */
export const running = new AbortController().signal

export const day = 86_400
