// Runs a command beside a database server of its own, made for it and thrown away after it:
//   node tools/launcher/testing/with-database.ts node --test '**/*.integration.test.ts'
// The command finds it in TEST_DATABASE_URL, with an account that may make databases.
import { runBeside } from '../../lib/run-beside.ts'
import { startThrowAwayDatabase } from './throw-away.ts'

await runBeside(process.argv.slice(2), async () => {
  const { url, stop } = await startThrowAwayDatabase()
  return { environment: { TEST_DATABASE_URL: url }, stop }
})
