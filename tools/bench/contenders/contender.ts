// What is compared: the programs, each behind an NGINX that is started with the launcher's steps, and an NGINX alone that serves
// one file. Called by main.ts, growth.ts, model/ and targets.ts; counts in databases of ../harness.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fillTemplate } from '../../../nginx/render.ts'
import { UserError } from '../../../web/server/errors.ts'
import { settingDefaults } from '../../../web/shared/limits.ts'
import { openDataDir } from '../../launcher/stack/data-dir.ts'
import { bringUpNginx, checkNginx } from '../../launcher/stack/nginx.ts'
import { bringUpReplicas } from '../../launcher/stack/replicas.ts'
import { builtReplica, type ReplicaProgram, root } from '../../launcher/stack/stack-options.ts'
import { spawnService } from '../../launcher/stack/supervise.ts'
import { openRoster } from '../../launcher/stack/workspace.ts'
import type { Testbed } from '../harness/database.ts'
import { countIn, makeSchema, type Tables } from '../harness/database.ts'
import { type BrowserAnswer, type PageSample, runWrk, serialiseSample, takeSample } from '../harness/load.ts'
import { say } from '../harness/report.ts'
import type { Entry } from '../harness/rounds.ts'

/** A way to count page views: its name, the program behind NGINX, and its tables */
type Entrant = { name: string; program: ReplicaProgram; tables: Tables }

/** A running entrant: servers behind a separate NGINX with the board's settings */
export type Contender = {
  name: string
  url: string
  databaseUrl: string
  tables: Tables
  servers: { pid: number; address: string; srvId: string }[]
  nginxPid: number
  stop: () => Promise<void>
}

type StartOptions = {
  /** default: 3 */
  replicas?: number
  /** default: a new, empty database */
  databaseUrl?: string
}

/** Starts an entrant in the same steps and with the same NGINX configuration as the board. */
export async function startContender(
  testbed: Testbed,
  { name, program, tables }: Entrant,
  { replicas = settingDefaults.replicas, databaseUrl }: StartOptions = {},
): Promise<Contender> {
  const resources = testbed.workspace.resources.use(new AsyncDisposableStack())
  const workspace = {
    ...testbed.workspace,
    dataDir: await openDataDir(join(testbed.workspace.dataDir.folder, name)),
    roster: openRoster(),
    resources,
    report: (service: string, text: string) => say(`${name} ${service}`, text),
  }
  const options = { replicas, replica: program, dataDir: workspace.dataDir.folder, drainSeconds: 0 }
  const url = databaseUrl ?? (await makeSchema(testbed.databaseUrl, `bench_${name}`, tables))
  const servers = await bringUpReplicas(options, workspace, url)
  const nginx = await bringUpNginx(options, workspace, await checkNginx({}), servers)
  return {
    name,
    url: nginx.url,
    databaseUrl: url,
    tables,
    servers: servers.map(({ name, address, srvId }) => ({
      pid: workspace.roster.pidOf(name),
      address,
      srvId,
    })),
    nginxPid: workspace.roster.pidOf('nginx'),
    stop: () => resources.disposeAsync(),
  }
}

/** A contender as an entry of the comparison. With `cookies`, visitors send the srv_ids of its servers. */
export function entryOf(contender: Contender, { name = contender.name, cookies = false } = {}): Entry {
  const { url, servers, nginxPid, databaseUrl, tables } = contender
  return {
    name,
    url,
    cookies: cookies ? servers.map(server => server.srvId) : [],
    servers: servers.map(server => server.pid),
    nginx: nginxPid,
    count: countIn(databaseUrl, tables),
  }
}

/** This stack, as `npm start` runs it. */
export const board: Entrant = { name: 'board', program: builtReplica(process.env), tables: 'board' }

/** The board's original. Uses Debian's Python, because Flask is installed as a Debian package. */
export const flask: Entrant = {
  name: 'flask',
  program: {
    command: '/usr/bin/python3',
    arguments: ['-m', 'gunicorn', 'app:app'],
    cwd: join(import.meta.dirname, 'flask'),
    environment: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    readyWithin: 30_000,
  },
  tables: 'peers',
}

const app = 'tools/bench/contenders/naive-next'

/** The usual way with Next: a dynamic page, rendered for each request, run as Next's documentation says */
export const naiveNext: Entrant = {
  name: 'naive_next',
  program: {
    command: process.execPath,
    arguments: ['server.js'],
    cwd: join(root, app, '.next/standalone', app),
    environment: { ...process.env, NODE_ENV: 'production', HOSTNAME: '127.0.0.1' },
    readyWithin: 30_000,
  },
  tables: 'peers',
}

/** Runs `next build`. @throws UserError */
export async function buildNaiveNext(signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [join(root, 'node_modules/next/dist/bin/next'), 'build', app], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    signal,
  })
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new UserError(`next build ${app} ended with status ${status}`)
}

/** A page of this running board with its full length: loads the board for a second first, which fills the log. */
export async function samplePage(
  { url, servers: [first] }: Contender,
  signal: AbortSignal,
): Promise<PageSample> {
  if (!first) throw new Error('the board runs without a server')
  await runWrk(url, { connections: 64, seconds: 1 }, signal)
  return takeSample(first.address)
}

/** A bare server that runs the board's transaction and answers with this sample of its page */
export async function limitOf(testbed: Testbed, sample: PageSample): Promise<Entrant> {
  const file = join(testbed.workspace.dataDir.folder, 'page-sample.json')
  await writeFile(file, serialiseSample(sample))
  return {
    name: 'limit',
    program: {
      command: process.execPath,
      arguments: [join(import.meta.dirname, 'limit-server.ts')],
      cwd: testbed.workspace.dataDir.folder,
      environment: { ...process.env, NODE_ENV: 'production', PAGE_SAMPLE: file },
      readyWithin: 30_000,
    },
    tables: 'board',
  }
}

/** Starts an NGINX that serves one file: the encoded body of this answer. */
export async function startStaticFile(
  { workspace }: Testbed,
  { response, body }: BrowserAnswer,
): Promise<Entry> {
  const { folder } = await openDataDir(join(workspace.dataDir.folder, 'static_file'))
  const { path } = await checkNginx({})
  const port = await workspace.freePort()
  const template = await readFile(join(import.meta.dirname, 'static-file.conf.template'), 'utf8')
  const config = join(folder, 'nginx.conf')
  const encoding = response.headers['content-encoding'] ?? 'identity'
  await writeFile(config, fillTemplate(template, { FOLDER: folder, PORT: String(port), ENCODING: encoding }))
  await writeFile(join(folder, 'page'), body)

  const service = {
    name: 'static_file',
    program: path,
    // When started as root, the workers' usual account may not be able to enter the folder.
    arguments: [
      '-p',
      folder,
      '-c',
      config,
      '-g',
      `daemon off;${process.getuid?.() === 0 ? ' user root;' : ''}`,
    ],
    cwd: folder,
    environment: process.env,
    log: join(folder, 'output.log'),
    record: workspace.record,
    readyUrl: `http://127.0.0.1:${port}/healthz`,
    readyWithin: 15_000,
    liveness: null,
    endings: [['SIGTERM', 2000]] satisfies [NodeJS.Signals, number][],
  }
  const { pid, stop } = await spawnService(service, workspace.signal)
  workspace.resources.defer(stop)
  return {
    name: 'static_file',
    url: `http://127.0.0.1:${port}`,
    cookies: [],
    servers: [],
    nginx: pid,
    count: null,
  }
}
