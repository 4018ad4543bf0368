import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { migrate } from '../../../prisma/migrate.ts'
import { askDatabase } from './ask-database.ts'

/** Which tables a contender counts in: the board's own, or a counter and a log as its peers have them. */
export type Tables = 'board' | 'peers'

/** Makes a database named `name` anew on the same server, with empty tables; returns its address. */
export async function makeSchema(databaseUrl: string, name: string, tables: Tables): Promise<string> {
  await askDatabase(
    databaseUrl,
    `DROP DATABASE IF EXISTS ${name}; CREATE DATABASE ${name} CHARACTER SET ascii`,
  )
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  if (tables === 'board') await migrate(url.href)
  else await askDatabase(url.href, await readFile(join(import.meta.dirname, 'peer-tables.sql'), 'utf8'))
  return url.href
}
