import { migrate } from '../../../prisma/migrate.ts'
import { type StartOptions, startDatabase } from '../database-server/start.ts'
import type { StackOptions } from './stack-options.ts'
import { bringUp, type RunningService } from './supervise.ts'
import type { Workspace } from './workspace.ts'

type DatabaseService = RunningService & {
  url: string
  replicaUrl: string
  port: number
  program: string
}

/** A start cannot be cut short without harm, so after an abort it is waited for and then undone. */
async function startDatabaseService(options: StartOptions, signal: AbortSignal): Promise<DatabaseService> {
  signal.throwIfAborted()
  const { url, replicaUrl, port, pid, server, exited, stop } = await startDatabase(options)
  const program = `${server.flavour} ${server.version}`
  if (signal.aborted) {
    await stop()
    signal.throwIfAborted()
  }
  return { url, replicaUrl, port, pid, program, exited: exited.then(() => 'it died'), stop }
}

/** The database's address as the owner of its tables signs in, and as replicas do. */
type DatabaseUrls = { owner: string; replica: string }

/** Starts the database, on the same port in all its lives, and brings it to this code's schema. */
export async function bringUpDatabase(
  options: Pick<StackOptions, 'database'>,
  site: Workspace,
): Promise<DatabaseUrls> {
  const settings = { ...options.database, dataDir: site.dataDir.database, port: await site.freePort() }
  const { part, kept } = await bringUp(
    'database',
    signal => startDatabaseService(settings, signal),
    ({ program, port }) => `${program} on 127.0.0.1:${port}`,
    site,
  )
  site.resources.defer(kept.stop)
  const applied = await migrate(part.url)
  if (applied.length > 0) site.report('database', `migrated: ${applied.join(', ')}`)
  return { owner: part.url, replica: part.replicaUrl }
}
