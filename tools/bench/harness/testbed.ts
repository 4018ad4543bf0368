// What every bench command shares: the testbed (a folder and a database server), the load (load.ts), the turns of a comparison
// (rounds.ts), the databases (database.ts), processor time and memory (usage.ts), and tables (report.ts). main.ts and
// growth.ts call it; it starts the database with the launcher.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../../web/server/errors.ts'
import { bringUpDatabase } from '../../launcher/stack/database.ts'
import { openWorkspace, type Workspace } from '../../launcher/stack/workspace.ts'
import { abortOnSignals, outliveTerminal, saySentences } from '../../lib/terminal.ts'
import { queryRow } from './database.ts'
import { say } from './report.ts'

/** Runs `work` on a new testbed. Ctrl-C, SIGTERM and a closing terminal end it early. The testbed is removed in any case. */
export async function benchCommand(work: (testbed: Testbed) => Promise<void>): Promise<void> {
  outliveTerminal()
  const signal = abortOnSignals(() => {})
  await saySentences(async () => {
    const resources = new AsyncDisposableStack()
    try {
      await work(await createTestbed(resources, signal))
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      await resources.disposeAsync()
    }
  })
}

/** What all contenders share: a folder and one database server */
export type Testbed = {
  workspace: Workspace
  signal: AbortSignal
  /** of an account with all rights */
  databaseUrl: string
  databasePid: number
}

// Not in the system's folder for temporary files: that can be in memory, where no commit is durable.
const folder = join(import.meta.dirname, '..', '..', '..', '.data-bench')

async function createTestbed(resources: AsyncDisposableStack, signal: AbortSignal): Promise<Testbed> {
  const workspace = await openWorkspace({ dataDir: folder, report: say, signal }, resources)
  await rm(workspace.dataDir.database, { recursive: true, force: true }) // of a bench that was killed
  resources.defer(() => rm(folder, { recursive: true, force: true }))
  const { owner: databaseUrl } = await bringUpDatabase({ database: { everything: true } }, workspace)
  await checkDurable(databaseUrl)
  return { workspace, signal, databaseUrl, databasePid: workspace.roster.pidOf('database') }
}

const durability = z.object({ flush: z.number() })

/** @throws UserError unless a commit is on disk before it is answered */
async function checkDurable(databaseUrl: string): Promise<void> {
  const { flush } = await queryRow(
    databaseUrl,
    durability,
    'SELECT @@innodb_flush_log_at_trx_commit AS flush',
  )
  if (flush !== 1) throw new UserError(`innodb_flush_log_at_trx_commit is ${flush}: commits are not durable`)
}
