import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../../web/server/errors.ts'
import { bringUpDatabase } from '../../launcher/stack/database.ts'
import { openWorkspace, type Workspace } from '../../launcher/stack/workspace.ts'
import { abortOnSignals, outliveTerminal, saySentences } from '../../lib/terminal.ts'
import { queryRow } from './database.ts'
import { say } from './report.ts'

/** Runs a bench from start to end; Ctrl-C, SIGTERM and a closing terminal end it early, with nothing left behind. */
export async function benchCommand(work: (ground: Testbed) => Promise<void>): Promise<void> {
  outliveTerminal()
  const signal = abortOnSignals(() => {})
  await saySentences(() => withTestbed(signal, work))
}

/** What all contenders stand on: a folder, and one database server. */
export type Testbed = {
  site: Workspace
  /** of an account that may do everything */
  databaseUrl: string
  databasePid: number
}

// In the project, not in the system's folder for temporary files: that one can be memory, where no commit is durable.
const folder = join(import.meta.dirname, '..', '..', '..', '.data-bench')

/** Runs `work` on a new ground, and leaves nothing of it, however it ended. Throws the signal's reason after an abort. */
async function withTestbed(signal: AbortSignal, work: (ground: Testbed) => Promise<void>): Promise<void> {
  const resources = new AsyncDisposableStack()
  try {
    await work(await createTestbed(resources, signal))
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    await resources.disposeAsync()
  }
}

async function createTestbed(resources: AsyncDisposableStack, signal: AbortSignal): Promise<Testbed> {
  const site = await openWorkspace({ dataDir: folder, report: say, signal }, resources)
  await rm(site.dataDir.database, { recursive: true, force: true }) // of a bench that was killed
  resources.defer(() => rm(folder, { recursive: true, force: true }))
  const { owner: databaseUrl } = await bringUpDatabase({ database: { everything: true } }, site)
  await checkDurable(databaseUrl)
  return { site, databaseUrl, databasePid: site.roster.pidOf('database') }
}

const durability = z.object({ flush: z.number() })

/** Throws UserError unless a commit is on disk before it is answered. */
async function checkDurable(databaseUrl: string): Promise<void> {
  const { flush } = await queryRow(
    databaseUrl,
    durability,
    'SELECT @@innodb_flush_log_at_trx_commit AS flush',
  )
  if (flush !== 1) throw new UserError(`innodb_flush_log_at_trx_commit is ${flush}: commits are not durable`)
}
