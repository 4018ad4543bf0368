// Runs a command beside a database server of its own, made for it and thrown away after it:
//   node tools/launcher/testing/with-database.ts node --test '**/*.integration.test.ts'
// The command finds it in TEST_DATABASE_URL, with an account that may make databases.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runBeside } from '../../lib/testing/run-beside.ts'
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

if (import.meta.main) {
  await runBeside(process.argv.slice(2), async () => {
    const { url, stop } = await startThrowAwayDatabase()
    return { environment: { TEST_DATABASE_URL: url }, stop }
  })
}
