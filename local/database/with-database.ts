// Runs a command beside a database server of its own, made for it and thrown away after it:
//   node local/database/with-database.ts node --test '**/*.integration.test.ts'
// The command finds it in TEST_DATABASE_URL, with an account that may make databases.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { startThrowAwayDatabase } from './throw-away.ts'

const [program, ...options] = process.argv.slice(2)
if (!program) {
  console.error('usage: node local/database/with-database.ts <command> [arguments]')
  process.exit(2)
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const stop = new AbortController()
let passOn = (_signal: NodeJS.Signals) => stop.abort()
for (const signal of signals) process.on(signal, () => passOn(signal))

const database = await startThrowAwayDatabase().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
const [status, signal] = stop.signal.aborted ? [1, null] : await run(program, options, database.url)
await database.stop()

for (const name of signals) process.removeAllListeners(name)
if (signal) process.kill(process.pid, signal)
process.exitCode = status ?? 1

type Ending = [status: number | null, signal: NodeJS.Signals | null]

/** The command ends by itself or by the signals this process gets; either way the database is stopped after it. */
async function run(command: string, parameters: string[], databaseUrl: string): Promise<Ending> {
  const env = { ...process.env, TEST_DATABASE_URL: databaseUrl }
  const child = spawn(command, parameters, { stdio: 'inherit', env })
  passOn = name => child.kill(name)
  const [exitStatus, exitSignal] = await once(child, 'exit')
  return [exitStatus, exitSignal]
}
