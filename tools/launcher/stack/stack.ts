import { boundLogs } from '../../lib/logs.ts'
import { removeStackFile, type StackFile, unusable, writeStackFile } from './data-dir.ts'
import { bringUpDatabase } from './database.ts'
import { bringUpNginx, checkNginx } from './nginx.ts'
import { bringUpReplicas, type ReplicaPlace } from './replicas.ts'
import type { StackOptions } from './stack-options.ts'
import { openWorkspace, type Roster, unwritten } from './workspace.ts'

export type Stack = {
  /** where the board is */
  url: string
  /** of the account that owns the tables */
  databaseUrl: string
  /** what stack.json says at this moment: pids change when a part is started again */
  file: () => StackFile
  /** Stops NGINX, the replicas and the database, in this order, and loses nothing. Called again, it waits for the same stop. */
  stop: () => Promise<void>
}

/**
 * Starts a whole stack as plain processes of this user, and keeps each part running until it is stopped.
 * Throws UserError, DatabaseFailure or MigrationRefused, whose message is for the person who started it, or the
 * signal's reason; then nothing is left running.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const resources = new AsyncDisposableStack()
  try {
    return await assemble(options, resources)
  } catch (error) {
    await resources.disposeAsync()
    throw unusable(options.dataDir, error)
  }
}

async function assemble(options: StackOptions, resources: AsyncDisposableStack): Promise<Stack> {
  const site = await openWorkspace(options, resources)
  const { dataDir, roster } = site
  resources.defer(boundLogs(dataDir))

  const nginx = await checkNginx(options)
  await options.prepare?.()
  const { owner: databaseUrl, replica: replicaUrl } = await bringUpDatabase(options, site)
  const replicas = await bringUpReplicas(options, site, replicaUrl)
  // Only now, so that the first visitors already reach every replica.
  const url = await bringUpNginx(options, site, nginx, replicas)

  const file = () => describe(url, databaseUrl, replicas, roster)
  const publish = () => writeStackFile(dataDir.stackFile, file())
  publish()
  const failed = unwritten(dataDir.stackFile, site.report)
  roster.onChange(() => {
    try {
      publish()
    } catch (error) {
      failed(error) // of no harm to the board itself
    }
  })
  resources.defer(() => removeStackFile(dataDir.stackFile))
  let stopped: Promise<void> | null = null
  const stop = () => {
    stopped ??= resources.disposeAsync()
    return stopped
  }
  return { url, databaseUrl, file, stop }
}

function describe(url: string, databaseUrl: string, replicas: ReplicaPlace[], roster: Roster): StackFile {
  return {
    url,
    databaseUrl,
    nginx: { pid: roster.pidOf('nginx') },
    database: { pid: roster.pidOf('database') },
    replicas: replicas.map(({ name, address, srvId }) => ({
      name,
      pid: roster.pidOf(name),
      address,
      srv_id: srvId,
    })),
  }
}
