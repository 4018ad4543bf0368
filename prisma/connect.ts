import { setTimeout as sleep } from 'node:timers/promises'
import mysql, { type Connection } from 'mysql2/promise'
import { codeOf, reasonOf } from '../web/error-code.ts'

/** The database does not answer, or does not let this user in; the message is one clear sentence, no password in it. */
export class DatabaseUnreachable extends Error {
  override readonly name = 'DatabaseUnreachable'
}

/** Connects, asking again for up to `patience` ms while the database does not answer. Throws DatabaseUnreachable. */
export async function connect(databaseUrl: string, patience: number): Promise<Connection> {
  if (!URL.canParse(databaseUrl)) {
    throw new DatabaseUnreachable('DATABASE_URL must be mysql://user:password@host:port/database')
  }
  const deadline = Date.now() + patience
  for (;;) {
    try {
      // Several statements in one packet: a migration file is sent as it is.
      return await mysql.createConnection({
        uri: databaseUrl,
        multipleStatements: true,
        connectTimeout: 2000,
      })
    } catch (error) {
      const { host, pathname } = new URL(databaseUrl)
      const message = `cannot reach the database${pathname.replace(/^\/?/, ' ')} at ${host}: ${reasonOf(error)}`
      // An answer that says no will not become a yes by asking again.
      if (saysNo(error) || Date.now() > deadline) throw new DatabaseUnreachable(message)
      await sleep(Math.min(250, patience))
    }
  }
}

const refusals = new Set(['ER_ACCESS_DENIED_ERROR', 'ER_DBACCESS_DENIED_ERROR', 'ER_BAD_DB_ERROR'])
const saysNo = (error: unknown) => refusals.has(codeOf(error))
