import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Connection } from 'mysql2/promise'
import mysql from 'mysql2/promise'
import { z } from 'zod'
import { databaseUrlFrom, readDatabaseUrl } from '../web/server/config.ts'
import { codeOf, reasonOf, UserError } from '../web/server/errors.ts'

/** The database does not answer, or refuses the login. The message is one sentence without the password. */
export class DatabaseUnreachable extends UserError {
  override readonly name = 'DatabaseUnreachable'
}

/** Connects, and retries for up to `patience` ms. @throws DatabaseUnreachable or BadDatabaseUrl, the signal's reason */
export async function connect(
  databaseUrl: string,
  patience: number,
  signal?: AbortSignal,
): Promise<Connection> {
  const access = readDatabaseUrl(databaseUrl)
  const deadline = performance.now() + patience
  for (;;) {
    signal?.throwIfAborted()
    try {
      // Several statements in one packet: a migration file is sent unchanged.
      return await mysql.createConnection({
        ...access,
        multipleStatements: true,
        connectTimeout: 2000,
      })
    } catch (error) {
      const { host } = new URL(databaseUrl)
      const message = `cannot reach the database ${access.database} at ${host}: ${reasonOf(error)}`
      // Retrying does not change a refusal.
      if (isRefusal(error) || performance.now() > deadline) throw new DatabaseUnreachable(message)
      await pause(Math.min(250, patience))
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
const isRefusal = (error: unknown) => refusals.has(codeOf(error))

const stackFile = z.object({ databaseUrl: z.string() })

/**
 * The database to use: DATABASE_URL if it is set, with the password from DATABASE_PASSWORD_FILE if that is set; else the
 * database of the stack that runs in DATA_DIR (`stack.json` exists while it runs). Null if no stack runs there.
 * @throws UserError if the file of the password cannot be read
 */
export async function findDatabaseUrl(env: Record<string, string | undefined>): Promise<string | null> {
  if (env.DATABASE_URL) return databaseUrlFrom(env.DATABASE_URL, env.DATABASE_PASSWORD_FILE)
  const text = await readFile(join(env.DATA_DIR || '.data', 'stack.json'), 'utf8').catch(() => null)
  return text === null ? null : stackFile.parse(JSON.parse(text)).databaseUrl
}
