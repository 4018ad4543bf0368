// Runs a command beside a new database server, which is removed afterwards:
//   node tools/launcher/testing/with-database.ts node --test '**/*.integration.test.ts'
// TEST_DATABASE_URL has its address, with an account that can create databases.

import { runBeside, temporaryFolder } from '../../lib/testing.ts'
import type { RunningDatabase } from '../database-server/launch.ts'
import { type StartOptions, startDatabase } from '../database-server/start.ts'

/** An empty database server in a temporary folder, which `stop` removes. For tests. */
export async function startThrowAwayDatabase(
  options: Omit<StartOptions, 'dataDir'> = {},
): Promise<RunningDatabase> {
  await using resources = new AsyncDisposableStack()
  const folder = resources.use(await temporaryFolder())
  const database = await startDatabase({ size: 'small', everything: true, ...options, dataDir: folder.path })
  resources.defer(database.stop)
  const kept = resources.move()
  return { ...database, stop: () => kept.disposeAsync() }
}

if (import.meta.main) {
  await runBeside(process.argv.slice(2), async () => {
    const { url, stop } = await startThrowAwayDatabase()
    return { environment: { TEST_DATABASE_URL: url }, stop }
  })
}
