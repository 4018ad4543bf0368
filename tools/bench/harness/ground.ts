import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openSite, type Site } from '../../launcher/stack/site.ts'
import { bringUpDatabase } from '../../launcher/stack/stages-database.ts'
import { openUndo, type Undo } from '../../launcher/stack/undo.ts'
import { checkDurable } from './check-durable.ts'
import { say } from './say.ts'

/** What all contenders stand on: a folder, and one database server. */
export type Ground = {
  site: Site
  /** of an account that may do everything */
  databaseUrl: string
  databasePid: number
}

// In the project, not in the system's folder for temporary files: that one can be memory, where no commit is durable.
const folder = join(import.meta.dirname, '..', '..', '..', '.data-bench')

/** Runs `work` on a new ground, and leaves nothing of it, however it ended. Throws the signal's reason after an abort. */
export async function onGround(signal: AbortSignal, work: (ground: Ground) => Promise<void>): Promise<void> {
  const undo = openUndo()
  try {
    await work(await layGround(undo, signal))
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    await undo.run()
  }
}

async function layGround(undo: Undo, signal: AbortSignal): Promise<Ground> {
  const site = await openSite({ dataDir: folder, report: say, signal }, undo)
  await rm(site.dataDir.database, { recursive: true, force: true }) // of a bench that was killed
  undo.add(() => rm(folder, { recursive: true, force: true }))
  const { owner: databaseUrl } = await bringUpDatabase({ database: { everything: true } }, site)
  await checkDurable(databaseUrl)
  return { site, databaseUrl, databasePid: site.roster.pidOf('database') }
}
