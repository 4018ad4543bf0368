// Starts and stops a whole stack without Docker, for `npm start`, `npm run dev`, tests, faults and the bench: locks the data folder
// and ends an earlier stack's processes (workspace.ts), then starts the database (database.ts), the replicas (replicas.ts) and NGINX
// (nginx.ts). supervise.ts starts and restarts each process.

import { boundLogs } from '../../lib/processes.ts'
import { keepAdminToken, removeStackFiles, type StackFile, unusable, writeStackFiles } from './data-dir.ts'
import { bringUpDatabase } from './database.ts'
import { bringUpNginx, checkNginx } from './nginx.ts'
import { bringUpReplicas, type ReplicaPlace } from './replicas.ts'
import type { StackOptions } from './stack-options.ts'
import { openWorkspace, outOfDateWarning, type Roster } from './workspace.ts'

export type Stack = {
  /** address of the board */
  url: string
  /** the token of control */
  adminToken: string
  /** for the account that owns the tables */
  databaseUrl: string
  /** current contents of stack.json: a restarted service has another pid */
  file: () => StackFile
  /** Stops NGINX, the replicas and the database, in this order. Loses no hit. A second call waits for the same stop. */
  stop: () => Promise<void>
}

/**
 * Starts a stack as plain processes of this user and restarts each service that ends, until `stop`.
 * @throws UserError with a message for the user, or the signal's reason; then no process is left
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
  const workspace = await openWorkspace(options, resources)
  const { dataDir, roster } = workspace
  resources.defer(boundLogs(dataDir))

  const adminToken = keepAdminToken(dataDir, options.adminToken ?? null)
  const nginx = await checkNginx(options)
  await options.prepare?.()
  const { owner: databaseUrl, replica: replicaUrl } = await bringUpDatabase(options, workspace)
  const replicas = await bringUpReplicas(options, workspace, replicaUrl)
  // Last, so that the first visitors reach all replicas.
  const { url, monitoring } = await bringUpNginx(options, workspace, nginx, replicas)

  const file = () => ({ ...describe(url, databaseUrl, replicas, roster), monitoring })
  const publish = () => writeStackFiles(dataDir, file())
  publish()
  const failed = outOfDateWarning(dataDir.stackFile, workspace.report)
  roster.onChange(() => {
    try {
      publish()
    } catch (error) {
      failed(error) // the board itself goes on
    }
  })
  resources.defer(() => removeStackFiles(dataDir))
  let stopped: Promise<void> | null = null
  const stop = () => {
    stopped ??= resources.disposeAsync()
    return stopped
  }
  return { url, adminToken, databaseUrl, file, stop }
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
