import type { PoolConnection } from 'mysql2/promise'
import { z } from 'zod'
import { readAudit } from '../server/db/audit.ts'
import { readBoard } from '../server/db/board.ts'
import { readClock, readHistory } from '../server/db/history.ts'
import { type LogFilter, readLogPage } from '../server/db/log.ts'
import type { ReadPool } from '../server/db/pools.ts'
import { query } from '../server/db/query.ts'
import { historyBuckets } from '../server/endpoints/history.ts'
import { addressRange } from '../server/http/client-address.ts'
import { boardLogLength, type HistoryRange, logPage as logPageLimits } from '../shared/limits.ts'

const rounds = 21

/** How the database executes each query, as lines of a Markdown table. */
export async function* planTable(read: ReadPool): AsyncGenerator<string> {
  yield '| query | rows and index entries read | median ms | plan |\n| --- | ---: | ---: | --- |'
  const { highest, srv_id } = await readSubject(read)
  for (const explainCase of explainCases(highest, srv_id)) yield await line(read, explainCase)
}

async function line(read: ReadPool, { name, run }: ExplainCase): Promise<string> {
  const statements: Sent[] = []
  await run(recordedPool(read, statement => statements.push(statement)))
  const plans = await Promise.all(statements.filter(isSelect).map(statement => planOf(read, statement)))
  const examined = await rowsRead(read, () => run(read))
  const times: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now()
    await run(read)
    times.push(performance.now() - startedAt)
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]
  return `| ${name} | ${examined} | ${median?.toFixed(1)} | ${[...new Set(plans.flat())].join(', ')} |`
}

const isSelect = ({ sql }: Sent) => sql.trimStart().startsWith('SELECT')

const step = z.object({
  table: z.string().nullable(),
  type: z.string().nullable(),
  key: z.string().nullable(),
})

/** For example "access_log range PRIMARY": table, access type, key. */
async function planOf(read: ReadPool, { sql, values }: Sent): Promise<string[]> {
  const steps = z.array(step).parse(await query(read, `EXPLAIN ${sql}`, values))
  return steps.flatMap(({ table, type, key }) => (table && type ? `${table} ${type} ${key ?? 'no key'}` : []))
}

const subject = z.tuple([z.object({ highest: z.number(), srv_id: z.string() })])

/** The highest number, and the server with the most instances. */
async function readSubject(read: ReadPool) {
  const sql = `SELECT (SELECT MAX(id) FROM access_log) AS highest,
    (SELECT srv_id FROM server GROUP BY srv_id ORDER BY COUNT(*) DESC LIMIT 1) AS srv_id`
  return subject.parse(await query(read, sql))[0]
}

type ExplainCase = { name: string; run(read: ReadPool): Promise<unknown> }

const whole = (address: string) => address

function logPage(name: string, filter: Partial<LogFilter>, before = Number.MAX_SAFE_INTEGER): ExplainCase {
  const all = { srvId: null, clientAddresses: null, ...filter }
  return { name, run: read => readLogPage(read, all, { before, limit: logPageLimits.max }, whole) }
}

const history = (range: HistoryRange): ExplainCase => ({
  name: `history of ${range}`,
  run: async read => readHistory(read, historyBuckets(range, await readClock(read))),
})

/** Every query that a visitor can cause, on a log with `highest` rows and a server that had many instances. */
export function explainCases(highest: number, srvId: string): ExplainCase[] {
  const middle = Math.floor(highest / 2)
  const clientAddresses = addressRange('192.0.2.7', 'full')
  return [
    {
      name: 'snapshot',
      run: read => readBoard(read, 60_000, { after: 0, limit: boardLogLength, showAddress: whole }),
    },
    logPage('page: newest', {}),
    logPage('page: from the middle', {}, middle),
    logPage('page: one server', { srvId }),
    logPage('page: one server, from the middle', { srvId }, middle),
    logPage('page: no such server', { srvId: '0'.repeat(32) }),
    logPage('page: no such client', { clientAddresses }),
    logPage('page: no such client, from the middle', { clientAddresses }, middle),
    logPage('page: one server, no such client', { srvId, clientAddresses }),
    { name: 'audit', run: readAudit },
    history('5m'),
    history('1h'),
    history('24h'),
  ]
}

// MariaDB counts index entries that it reads and discards before reading the row separately.
const statusSql = `SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Handler_icp_attempts'`

const readCounts = z.array(z.object({ Value: z.coerce.number() }))

/** Rows and index entries that the database read for a query. The pool must have no other user meanwhile. */
export async function rowsRead(read: ReadPool, run: () => Promise<unknown>): Promise<number> {
  await run()
  const before = await readsSoFar(read)
  await run()
  const between = await readsSoFar(read)
  // Reading the counts is itself counted.
  return between - before - ((await readsSoFar(read)) - between)
}

/** Of this session: a pool that runs one query at a time uses one connection. */
async function readsSoFar(read: ReadPool): Promise<number> {
  const rows = readCounts.parse(await query(read, statusSql))
  return rows.reduce((sum, row) => sum + row.Value, 0)
}

/** A statement with its values. */
type Sent = { sql: string; values: unknown[] }

const sent = z.object({ sql: z.string(), values: z.array(z.unknown()) })

/** The same pool, but `note` gets every statement that is sent over its connections. */
export function recordedPool(read: ReadPool, note: (statement: Sent) => void): ReadPool {
  return new Proxy(read, {
    get(pool, key) {
      if (key !== 'getConnection') return Reflect.get(pool, key, pool)
      return async () => recordedConnection(await pool.getConnection(), note)
    },
  })
}

function recordedConnection(connection: PoolConnection, note: (statement: Sent) => void): PoolConnection {
  return new Proxy(connection, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      return (...values: unknown[]) => {
        if (key === 'query') note(sent.parse(values[0]))
        return Reflect.apply(value, target, values)
      }
    },
  })
}
