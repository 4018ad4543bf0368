import { migrate } from '../../../prisma/migrate.ts'
import { bringUp } from './bring-up.ts'
import { startDatabasePart } from './database.ts'
import type { Site } from './site.ts'
import type { StackOptions } from './stack-options.ts'

/** The database's address as the owner of its tables signs in, and as replicas do. */
export type DatabaseUrls = { owner: string; replica: string }

/** Starts the database, on the same port in all its lives, and brings it to this code's schema. */
export async function bringUpDatabase(
  options: Pick<StackOptions, 'database'>,
  site: Site,
): Promise<DatabaseUrls> {
  const settings = { ...options.database, dataDir: site.dataDir.database, port: await site.freePort() }
  const { part, kept } = await bringUp(
    'database',
    signal => startDatabasePart(settings, signal),
    ({ program, port }) => `${program} on 127.0.0.1:${port}`,
    site,
  )
  site.undo.add(kept.stop)
  const applied = await migrate(part.url)
  if (applied.length > 0) site.report('database', `migrated: ${applied.join(', ')}`)
  return { owner: part.url, replica: part.replicaUrl }
}
