import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { freePorts } from '../../tools/lib/ports.ts'
import { listGroup, nginxWorkers } from '../../tools/lib/processes.ts'
import { eventually, temporaryFolder } from '../../tools/lib/testing.ts'
import { answers } from '../../tools/lib/wait.ts'
import { settingDefaults } from '../../web/shared/limits.ts'
import { findNginx } from '../find-nginx.ts'
import { type NginxSettings, type RenderedNginx, renderNginx } from '../render.ts'
import { recoverFromCrashes } from '../worker-crashes.ts'
import { type StubReplica, startStubReplica, testCertificate, testKey } from './client-and-replica.ts'

export type StickyMode = 'legacy' | 'native'

const found = await findNginx()
if (!found) throw new Error('these tests need NGINX: on Debian, apt-get install nginx')
const program = found

/** The sticky modes that this machine's NGINX supports. */
export const stickyModes: StickyMode[] = program.native ? ['legacy', 'native'] : ['legacy']

export type Board = AsyncDisposable & {
  port: number
  /** the HTTPS port, with `tls` */
  tlsPort: number
  /** the port of the number of connections */
  statusPort: number
  replicas: StubReplica[]
  nginx: NginxProcesses
  /** the lines of the access log, once there are `count` */
  logged(count: number): Promise<string[]>
}

type NginxProcesses = {
  pid: number
  files: RenderedNginx
  /** all child processes: workers, and the cache manager */
  children(): number[]
  /** the workers, of this configuration or an earlier one */
  workers(): number[]
  /** the watcher's output, with `recovery` */
  said(): Promise<string>
  /** resolves when NGINX has ended */
  ended: Promise<unknown>
}

/** The watcher of crashed workers: the one in the process of `npm start`, or the one in a container. */
export type Watcher = 'launcher' | 'container'

type Options = Partial<
  Pick<
    NginxSettings,
    'stickySeconds' | 'limitPrivate' | 'trustedProxies' | 'pageViews' | 'exporter' | 'metricsRate'
  >
> & {
  replicas?: number
  /** replicas of another board, which ends them; default: new ones */
  inFrontOf?: StubReplica[]
  /** the first characters of the first replica's srv_id */
  firstBegins?: string
  tls?: boolean
  /** with `tls`: the host that plain HTTP redirects to */
  publicHost?: string
  /** default: no watcher of crashed workers */
  recovery?: Watcher
}

/** NGINX in front of stub replicas, on free ports. The end of `await using` stops and removes it. */
export async function startBoard(mode: StickyMode, options: Options = {}): Promise<Board> {
  const {
    replicas: count = 3,
    inFrontOf,
    firstBegins = '',
    stickySeconds = 300,
    tls = false,
    publicHost,
    recovery,
    ...rest
  } = options
  const replicas = inFrontOf ?? (await startReplicas(count, firstBegins))
  // With every character that has a meaning in a configuration.
  const folder = await temporaryFolder(`balance-board-nginx "it's" [a] *? $HOME \\ für; {b} #`)
  const settings = {
    directory: folder.path,
    host: '127.0.0.1',
    replicas,
    stickySeconds,
    native: mode === 'native',
    errorLogOption: program.errorLogOption,
    statusPage: program.statusPage,
    ...rest,
  }
  const { port, tlsPort, statusPort, child, files } = await startOnFreePorts(settings, tls, publicHost)
  const watcher = watchFor(recovery, files, child.pid ?? 0)
  const nginx = processesOf(child, files, watcher.said)
  // The first worker answers before the others have their names.
  await eventually(() => nginx.workers().length === settingDefaults.nginxWorkers, { ms: patienceMs })
  return {
    port,
    tlsPort,
    statusPort,
    replicas,
    nginx,
    logged: lines => eventually(() => readLines(files.accessLog, lines), { ms: patienceMs }),
    async [Symbol.asyncDispose]() {
      await watcher.stop()
      await end(child)
      if (!inFrontOf) await Promise.all(replicas.map(replica => replica.die()))
      await folder.remove()
    },
  }
}

function startReplicas(count: number, firstBegins: string): Promise<StubReplica[]> {
  const others = Array.from({ length: count - 1 }, () => startStubReplica())
  return Promise.all([startReplicaThatBegins(firstBegins), ...others])
}

/** The srv_id depends on the port, which is random: tries until it matches. */
async function startReplicaThatBegins(beginning: string): Promise<StubReplica> {
  for (;;) {
    const replica = await startStubReplica()
    if (replica.srvId.startsWith(beginning)) return replica
    await replica.die()
  }
}

/** Copies the certificate to a path that has every character with a meaning in a configuration. */
async function certificateIn(folder: string): Promise<[certificate: string, key: string]> {
  const copies: [string, string] = [join(folder, 'given.crt'), join(folder, 'given.key')]
  await copyFile(testCertificate, copies[0])
  await copyFile(testKey, copies[1])
  return copies
}

/** Another process can take a free port before NGINX does: then tries another one. */
async function startOnFreePorts(
  settings: Omit<NginxSettings, 'port' | 'statusPort'>,
  withTls: boolean,
  publicHost?: string,
) {
  const [certificate, key] = await certificateIn(settings.directory)
  const ports = freePorts(settings.directory)
  for (let attempt = 1; ; attempt++) {
    const [port, tlsPort] = [(await ports.next()).value, (await ports.next()).value]
    const statusPort = (await ports.next()).value
    const { http2Directive } = program
    const tls = {
      certificate,
      key,
      port: tlsPort,
      http2Directive,
      ...(publicHost ? { publicHost } : {}),
    }
    const all = { ...settings, port, statusPort, ...(withTls ? { tls } : {}) }
    const files = await renderNginx(all)
    const child = spawn(program.path, files.arguments, {
      cwd: settings.directory,
      stdio: 'ignore',
      detached: true,
    })
    if (await isUp(port, child)) return { port, tlsPort, statusPort, child, files }
    const said = await readFile(files.errorLog, 'utf8').catch(() => '')
    if (attempt === 5 || !said.includes('Address already in use')) throw new Error(`NGINX ended: ${said}`)
  }
}

function processesOf(
  child: ChildProcess,
  files: RenderedNginx,
  said: NginxProcesses['said'],
): NginxProcesses {
  const pid = child.pid ?? 0
  const children = () =>
    listGroup(pid)
      .map(entry => entry.pid)
      .filter(each => each !== pid)
  const ended = once(child, 'exit')
  return { pid, files, children, workers: () => nginxWorkers(pid, { ending: true }), said, ended }
}

type WatchedFiles = Pick<RenderedNginx, 'configFile' | 'processLog' | 'sharedMemory'>

/** Starts the watcher of one of the two stacks. The container's script exits by itself after NGINX. */
export function watchFor(watcher: Watcher | undefined, files: WatchedFiles, pid: number) {
  const lines: string[] = []
  if (watcher === 'launcher') {
    const { stop } = recoverFromCrashes(files, pid, text => lines.push(text))
    return { said: async () => lines.join('\n'), stop }
  }
  const output = join(dirname(files.configFile), 'watcher.log')
  if (watcher === 'container') {
    const script = join(import.meta.dirname, '..', 'docker-entrypoint.d/30-worker-crashes.sh')
    const file = openSync(output, 'w')
    const env = { ...process.env, NGINX_RUN: dirname(files.configFile) }
    execFileSync(script, { env, stdio: ['ignore', file, file] })
    closeSync(file)
  }
  return { said: () => readFile(output, 'utf8'), stop: async () => {} }
}

/** ms for any single step of NGINX */
const patienceMs = 20_000

/** Whether NGINX answers; false if it has exited. @throws after 20 s */
async function isUp(port: number, child: ChildProcess): Promise<boolean> {
  const look = async () => {
    if (hasEnded(child)) return 'ended'
    return (await answers(`http://127.0.0.1:${port}/healthz`)) && 'up'
  }
  return (await eventually(look, { ms: patienceMs })) === 'up'
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function readLines(file: string, count: number): Promise<string[] | null> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1)
  return lines.length >= count ? lines : null
}
