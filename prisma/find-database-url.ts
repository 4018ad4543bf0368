import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const stackFile = z.object({ databaseUrl: z.string() })

/**
 * The database to look at: DATABASE_URL where it is set, else that of the stack that keeps its files in DATA_DIR
 * (`stack.json`, there while it runs). Null = no stack is known there.
 */
export async function findDatabaseUrl(env: NodeJS.ProcessEnv): Promise<string | null> {
  if (env.DATABASE_URL) return env.DATABASE_URL
  const text = await readFile(join(env.DATA_DIR ?? '.data', 'stack.json'), 'utf8').catch(() => null)
  return text === null ? null : stackFile.parse(JSON.parse(text)).databaseUrl
}
