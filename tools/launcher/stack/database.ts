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

/** An interrupted start could do damage, so after an abort this waits for the start and then stops the database. */
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

/** The database's URLs, for the owner of the tables and for replicas. */
type DatabaseUrls = { owner: string; replica: string }

/** Starts the database and migrates it. It keeps its port when it is started again. */
export async function bringUpDatabase(
  options: Pick<StackOptions, 'database'>,
  workspace: Workspace,
): Promise<DatabaseUrls> {
  const settings = {
    ...options.database,
    dataDir: workspace.dataDir.database,
    port: await workspace.freePort(),
  }
  const { service, kept } = await bringUp(
    'database',
    signal => startDatabaseService(settings, signal),
    ({ program, port }) => `${program} on 127.0.0.1:${port}`,
    workspace,
  )
  workspace.resources.defer(kept.stop)
  const applied = await migrate(service.url)
  if (applied.length > 0) workspace.report('database', `migrated: ${applied.join(', ')}`)
  return { owner: service.url, replica: service.replicaUrl }
}
