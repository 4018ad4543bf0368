// Opens Prisma Studio on the database of the running stack. `npm run studio` (tools/launcher/studio.ts) also knows the Docker
// stack: `npm run studio -- --port 5555 --browser none`.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import open from 'open'
import { freePorts } from '../tools/lib/ports.ts'
import { abortOnSignals, loadEnvironment } from '../tools/lib/terminal.ts'
import { answers } from '../tools/lib/wait.ts'
import { driverUrl } from '../web/server/config.ts'
import { codeOf, UserError } from '../web/server/errors.ts'
import { connect, findDatabaseUrl } from './connect.ts'

/**
 * A proxy between the browser and Prisma Studio, whose page does not work on MariaDB: it reads each table's columns as JSON,
 * which MySQL returns as a value and MariaDB as text. Needed until Studio parses the text itself.
 * Source: https://github.com/prisma/studio/issues/1367
 */
type StudioProxy = AsyncDisposable & {
  url: string
  /** whether Studio answers already */
  answers(): Promise<boolean>
}

/** Listens on `port` of this machine only, for the Studio on `studioPort`. @throws UserError if it cannot */
async function openStudioProxy(port: number, studioPort: number): Promise<StudioProxy> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UserError(`--port takes a port, and not: ${port}`)
  const server = createServer((request, response) => void forward(studioPort, request, response))
  server.listen(port, 'localhost')
  await once(server, 'listening').catch(error => {
    throw new UserError(
      `Studio cannot listen on port ${port} (${codeOf(error)}): choose another with -- --port`,
    )
  })
  const url = `http://localhost:${port}`
  return {
    url,
    answers: () => answers(url),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function forward(port: number, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  // Studio's page reports to Prisma what is done in it. Do not let that leave this machine.
  if (incoming.url === '/telemetry') {
    incoming.resume()
    outgoing.writeHead(200).end()
    return
  }
  const forwarded = request({
    host: 'localhost',
    port,
    method: incoming.method,
    path: incoming.url,
    headers: asDirectRequest(incoming.headers, port),
  })
  try {
    const [[response]] = await Promise.all([once(forwarded, 'response'), pipeline(incoming, forwarded)])
    await send(incoming, response, outgoing)
  } catch {
    if (!outgoing.headersSent) outgoing.writeHead(502)
    outgoing.end()
  }
}

/** Studio only answers its own page, which it recognises by these headers. Its answers must be uncompressed to be read here. */
function asDirectRequest(headers: IncomingHttpHeaders, port: number): IncomingHttpHeaders {
  const { 'accept-encoding': _, referer, origin, ...rest } = headers
  const own = `http://localhost:${port}`
  return {
    ...rest,
    host: `localhost:${port}`,
    ...(referer && { referer: `${own}/` }),
    ...(origin && { origin: origin === `http://${headers.host}` ? own : origin }),
  }
}

async function send(
  incoming: IncomingMessage,
  response: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { 'content-length': length, 'transfer-encoding': _, ...headers } = response.headers
  const status = response.statusCode ?? 502
  // Otherwise the page would tell Prisma that Studio was opened, and how many tables it found.
  const own = { ...headers, 'content-security-policy': "connect-src 'self'" }
  if (incoming.url === '/bff') {
    outgoing.writeHead(status, own).end(withColumns(await text(response)))
  } else {
    outgoing.writeHead(status, { ...own, ...(length && { 'content-length': length }) })
    await pipeline(response, outgoing)
  }
}

/** The answer to a query, with each table's columns parsed to a list. Other answers stay unchanged, byte for byte. */
export function withColumns(body: string): string {
  if (!body.includes('"columns":"[')) return body
  return JSON.stringify(
    JSON.parse(body, (_key, value: unknown) =>
      isTable(value) ? { ...value, columns: JSON.parse(value.columns) } : value,
    ),
  )
}

/** A row of Studio's query for the tables. */
function isTable(value: unknown): value is { columns: string } {
  if (typeof value !== 'object' || value === null || !('columns' in value)) return false
  const { columns } = value
  return 'schema' in value && 'name' in value && typeof columns === 'string' && columns.startsWith('[')
}

const root = join(import.meta.dirname, '..')

type Options = { port: number; browser: string }

if (import.meta.main) await studioCommand(() => findDatabaseUrl(loadEnvironment()), 0)

/** Runs Studio until it exits, and sets this process's exit status. `patience`: ms to wait for the database. */
export async function studioCommand(findUrl: () => Promise<string | null>, patience: number): Promise<void> {
  try {
    const options = readOptions()
    const url = await findUrl()
    if (!url) throw new UserError('no stack runs here: start one with `npm start`, or set DATABASE_URL')
    await (await connect(url, patience)).end() // fail with one clear sentence here, not with an error in the browser
    process.exitCode = await runStudio(driverUrl(url), options)
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error)
    process.exitCode = 1
  }
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', short: 'p', default: '5555' },
      browser: { type: 'string', short: 'b', default: loadEnvironment().BROWSER ?? '' },
    },
  })
  return { port: Number(values.port), browser: values.browser }
}

/** Runs Prisma's server on a free port, behind the proxy on the requested port. */
async function runStudio(databaseUrl: string, options: Options): Promise<number> {
  const { value: port } = await freePorts('studio').next()
  await using proxy = await openStudioProxy(options.port, port)
  const command = createRequire(import.meta.url).resolve('prisma/build/index.js')
  const studio = spawn(process.execPath, [command, 'studio', '--port', String(port), '--browser', 'none'], {
    cwd: root,
    stdio: ['inherit', 'ignore', 'inherit'],
    env: {
      // Prisma's command would download its schema engine, which Studio does not use. Naming any existing file prevents that.
      // The other variable stops the report to Prisma that Studio was opened.
      PRISMA_SCHEMA_ENGINE_BINARY: join(root, 'package.json'),
      CHECKPOINT_DISABLE: '1',
      ...process.env,
      DATABASE_URL: databaseUrl,
    },
  })
  abortOnSignals(signal => studio.kill(signal))
  const exited = once(studio, 'exit')
  let hasExited = false
  void exited.then(() => {
    hasExited = true
  })
  while (!hasExited && !(await proxy.answers())) await pause(100)
  if (!hasExited) {
    console.log(`Prisma Studio is at ${proxy.url}`)
    await openBrowser(proxy.url, options.browser)
  }
  const [status] = await exited
  return typeof status === 'number' ? status : 0
}

async function openBrowser(url: string, browser: string): Promise<void> {
  if (browser === 'none') return
  const opened = open(url, browser === '' ? {} : { app: { name: browser } })
  await opened.catch(() => console.log('No browser could be opened: open this address yourself.'))
}
