import assert from 'node:assert/strict'
import { test } from 'node:test'
import mysql, { type PoolConnection } from 'mysql2/promise'
import { day, openBoard } from '../../testing/retention-fixture.ts'
import { onConnection } from '../db/ask.ts'
import { countNextStretch, recountStretch } from '../db/count-stretches.ts'
import { stretchLength } from '../db/log-checkpoints.ts'
import type { UpkeepPool } from '../db/pools.ts'
import { pruneRecentRequests } from '../db/prune-recent-requests.ts'
import { purgeLog } from '../db/purge-log.ts'

const tables = ['access_log', 'recent_request', 'log_checkpoint', 'log_purge']
const exchange = tables.flatMap(name => [`${name} TO old_${name}`, `new_${name} TO ${name}`]).join(', ')

/** The pool, but that before each statement after a first look `between` is done. */
function interrupted(pool: UpkeepPool, between: () => Promise<void>): UpkeepPool {
  return Object.create(pool, {
    getConnection: {
      value: async () => {
        const connection = await pool.getConnection()
        let looked = false
        return Object.create(connection, {
          query: {
            value: async (options: { sql: string }) => {
              if (looked && options.sql !== 'COMMIT') await between()
              looked ||= options.sql.includes('SELECT')
              return connection.query(options)
            },
          },
        })
      },
    },
  })
}

const purge = (pool: UpkeepPool) =>
  onConnection(pool, connection => purgeLog(connection, { days: 30, rows: 1e9 }, 500, new Date()))
const count = (work: (connection: PoolConnection) => Promise<unknown>) => (pool: UpkeepPool) =>
  onConnection(pool, work)

for (const [what, work] of [
  ['old rows are removed', purge],
  ['a stretch is counted', count(countNextStretch)],
  ['a stretch is counted again', count(connection => recountStretch(connection, stretchLength))],
  ['request ids are forgotten', (pool: UpkeepPool) => pruneRecentRequests(pool, 100, 2000)],
] as const)
  test(`no restore exchanges the tables between what is read and what is written while ${what}`, async () => {
    await using board = await openBoard()
    await board.log(stretchLength + 100, 40 * day)
    await board.fill.query(
      'INSERT INTO recent_request (request_id, id) SELECT request_id, id FROM access_log WHERE id <= 100',
    )
    for (const name of tables) await board.fill.query(`CREATE TABLE new_${name} LIKE ${name}`)
    const restoring = await mysql.createConnection(board.url)
    await using _ = { [Symbol.asyncDispose]: () => restoring.end() }
    await restoring.query('SET SESSION lock_wait_timeout = 1')
    let tried = 0
    await work(
      interrupted(board.replicas[0].upkeep, async () => {
        tried++
        await assert.rejects(restoring.query(`RENAME TABLE ${exchange}`), { code: 'ER_LOCK_WAIT_TIMEOUT' })
      }),
    )
    assert.ok(tried > 0)
    await restoring.query(`RENAME TABLE ${exchange}`)
  })
