import { boundLogs } from '../../lib/logs.ts'
import { removeStackFile, type StackFile, unusable, writeStackFile } from './data-dir.ts'
import { bringUpDatabase } from './database.ts'
import { bringUpNginx, checkNginx } from './nginx.ts'
import { bringUpReplicas, type ReplicaPlace } from './replicas.ts'
import type { StackOptions } from './stack-options.ts'
import { openUndo, openWorkspace, type Roster, type Undo, unwritten } from './workspace.ts'

export type Stack = {
  /** where the board is */
  url: string
  /** of the account that owns the tables */
  databaseUrl: string
  /** what stack.json says at this moment: pids change when a part is started again */
  file: () => StackFile
  /** Stops NGINX, the replicas and the database, in this order, and loses nothing. Safe to call again. */
  stop: () => Promise<void>
}

/**
 * Starts a whole stack as plain processes of this user, and keeps each part running until it is stopped.
 * Throws UserError, DatabaseFailure or MigrationRefused, whose message is for the person who started it, or the
 * signal's reason; then nothing is left running.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const undo = openUndo()
  try {
    return await assemble(options, undo)
  } catch (error) {
    await undo.run()
    throw unusable(options.dataDir, error)
  }
}

async function assemble(options: StackOptions, undo: Undo): Promise<Stack> {
  const site = await openWorkspace(options, undo)
  const { dataDir, roster } = site
  undo.add(boundLogs(dataDir))

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
  undo.add(() => removeStackFile(dataDir.stackFile))
  return { url, databaseUrl, file, stop: undo.run }
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
