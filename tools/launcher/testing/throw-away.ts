import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunningDatabase } from '../database-server/launch.ts'
import { type StartOptions, startDatabase } from '../database-server/start.ts'

/** An empty database server in a folder of its own under the system's, which `stop` removes. For tests. */
export async function startThrowAwayDatabase(
  options: Omit<StartOptions, 'dataDir'> = {},
): Promise<RunningDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'board-database-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const database = await startDatabase({ size: 'small', everything: true, ...options, dataDir: folder })
    return { ...database, stop: () => database.stop().then(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}
