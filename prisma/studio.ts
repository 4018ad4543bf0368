// Opens Prisma Studio on the database of the stack that runs on DATA_DIR, else of the one with Docker, whose port it opens
// on this machine meanwhile; takes Studio's own options (--port, --browser).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type DatabasePort, openDatabasePort } from '../compose/database-port.ts'
import { DockerFailed } from '../compose/docker-failed.ts'
import { driverUrl } from '../web/config/database-url.ts'
import { connect } from './connect.ts'
import { findDatabaseUrl } from './find-database-url.ts'

const root = join(import.meta.dirname, '..')

try {
  const url = await findDatabaseUrl(process.env)
  const port = url === null ? await findDatabasePort() : null
  try {
    const found = url ?? port?.url
    if (!found) throw new Error('no stack runs here: start one with `npm start`, or set DATABASE_URL')
    // One clear sentence now, rather than an error in the browser. A port that was just opened takes a moment.
    await (await connect(found, port ? 10_000 : 0)).end()
    process.exitCode = await openStudio(found)
  } finally {
    await port?.close()
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** The port of the stack with Docker; null where none runs. */
async function findDatabasePort(): Promise<DatabasePort | null> {
  try {
    return await openDatabasePort()
  } catch (error) {
    if (error instanceof DockerFailed) return null
    throw error
  }
}

async function openStudio(databaseUrl: string): Promise<number> {
  const command = createRequire(import.meta.url).resolve('prisma/build/index.js')
  const studio = spawn(process.execPath, [command, 'studio', ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
    env: {
      // Prisma's command looks for its schema engine, which Studio does not use, and would download it; any file
      // that is there stops that. The other: do not report to Prisma that Studio was opened.
      PRISMA_SCHEMA_ENGINE_BINARY: join(root, 'package.json'),
      CHECKPOINT_DISABLE: '1',
      ...process.env,
      DATABASE_URL: driverUrl(databaseUrl),
    },
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => studio.kill(signal))
  const [status] = await once(studio, 'exit')
  return typeof status === 'number' ? status : 0
}
