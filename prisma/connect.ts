import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from 'mysql2/promise'
import mysql from 'mysql2/promise'
import { z } from 'zod'
import { databaseUrlFrom, readDatabaseUrl } from '../web/server/config.ts'
import { codeOf, reasonOf, UserError } from '../web/server/errors.ts'

/** The database does not answer, or does not let this user in; the message is one clear sentence, no password in it. */
export class DatabaseUnreachable extends UserError {
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

const stackFile = z.object({ databaseUrl: z.string() })

/**
 * The database to look at: DATABASE_URL where it is set, with the password from DATABASE_PASSWORD_FILE if there is one, else
 * that of the stack that keeps its files in DATA_DIR (`stack.json`, there while it runs). Null = no stack runs there.
 * @throws UserError when the file of the password cannot be read
 */
export async function findDatabaseUrl(env: Record<string, string | undefined>): Promise<string | null> {
  if (env.DATABASE_URL) return databaseUrlFrom(env.DATABASE_URL, env.DATABASE_PASSWORD_FILE)
  const text = await readFile(join(env.DATA_DIR || '.data', 'stack.json'), 'utf8').catch(() => null)
  return text === null ? null : stackFile.parse(JSON.parse(text)).databaseUrl
}
