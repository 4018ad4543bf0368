import { setTimeout as sleep } from 'node:timers/promises'
import mysql, { type Connection } from 'mysql2/promise'
import { readDatabaseUrl } from '../web/server/database-url.ts'
import { codeOf, reasonOf } from '../web/server/error-code.ts'

/** The database does not answer, or does not let this user in; the message is one clear sentence, no password in it. */
export class DatabaseUnreachable extends Error {
  override readonly name = 'DatabaseUnreachable'
}

/** Connects, asking again for up to `patience` ms while the database does not answer. @throws DatabaseUnreachable or BadDatabaseUrl */
export async function connect(databaseUrl: string, patience: number): Promise<Connection> {
  const access = readDatabaseUrl(databaseUrl)
  const deadline = performance.now() + patience
  for (;;) {
    try {
      // Several statements in one packet: a migration file is sent as it is.
      return await mysql.createConnection({
        ...access,
        multipleStatements: true,
        connectTimeout: 2000,
      })
    } catch (error) {
      const { host } = new URL(databaseUrl)
      const message = `cannot reach the database ${access.database} at ${host}: ${reasonOf(error)}`
      // An answer that says no will not become a yes by asking again.
      if (saysNo(error) || performance.now() > deadline) throw new DatabaseUnreachable(message)
      await sleep(Math.min(250, patience))
    }
  }
}

const refusals = new Set([
  'ER_ACCESS_DENIED_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_BAD_DB_ERROR',
  'HANDSHAKE_NO_SSL_SUPPORT',
  'HANDSHAKE_SSL_ERROR',
])
const saysNo = (error: unknown) => refusals.has(codeOf(error))
