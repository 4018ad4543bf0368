// Opens Prisma Studio on the database of the stack that runs; tools/launcher/studio.ts, which is `npm run studio`, knows of the one
// with Docker too: `npm run studio -- --port 5555 --browser none`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import open from 'open'
import { freePorts } from '../tools/lib/ports.ts'
import { driverUrl } from '../web/server/database-url.ts'
import { connect } from './connect.ts'
import { findDatabaseUrl } from './find-database-url.ts'
import { openStudioProxy } from './studio-proxy.ts'

const root = join(import.meta.dirname, '..')

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', short: 'p', default: '5555' },
    browser: { type: 'string', short: 'b', default: process.env.BROWSER ?? '' },
  },
})

if (import.meta.main) await studioCommand(await findDatabaseUrl(process.env), 0)

/** Runs Studio until it is ended, and sets this process's exit status. `patience`: ms until the database answers. */
export async function studioCommand(url: string | null, patience: number): Promise<void> {
  try {
    if (!url) throw new Error('no stack runs here: start one with `npm start`, or set DATABASE_URL')
    await (await connect(url, patience)).end() // one clear sentence now, rather than an error in the browser
    process.exitCode = await runStudio(driverUrl(url))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

/** Runs Prisma's own server on a port of its choice, behind the proxy on the one that was asked for. */
async function runStudio(databaseUrl: string): Promise<number> {
  const { value: port } = await freePorts('studio').next()
  await using proxy = await openStudioProxy(Number(options.port), port)
  const command = createRequire(import.meta.url).resolve('prisma/build/index.js')
  const studio = spawn(process.execPath, [command, 'studio', '--port', String(port), '--browser', 'none'], {
    cwd: root,
    stdio: ['inherit', 'ignore', 'inherit'],
    env: {
      // Prisma's command looks for its schema engine, which Studio does not use, and would download it; any file
      // that is there stops that. The other: do not report to Prisma that Studio was opened.
      PRISMA_SCHEMA_ENGINE_BINARY: join(root, 'package.json'),
      CHECKPOINT_DISABLE: '1',
      ...process.env,
      DATABASE_URL: databaseUrl,
    },
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => studio.kill(signal))
  const exited = once(studio, 'exit')
  const answers = async () => {
    while (!(await proxy.answers())) await pause(100)
  }
  if (await Promise.race([answers().then(() => true), exited.then(() => false)])) {
    console.log(`Prisma Studio is at ${proxy.url}`)
    await openBrowser(proxy.url)
  }
  const [status] = await exited
  return typeof status === 'number' ? status : 0
}

async function openBrowser(url: string): Promise<void> {
  if (options.browser === 'none') return
  const opened = open(url, options.browser === '' ? {} : { app: { name: options.browser } })
  await opened.catch(() => console.log('No browser could be opened: open this address yourself.'))
}
