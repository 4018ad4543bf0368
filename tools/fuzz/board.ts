// The stack that the fuzz test sends to: the one of the faults, with a second NGINX that has a certificate. Says which processes
// have changed, what they logged, and how much memory they take.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { renderNginx } from '../../nginx/render.ts'
import { testCertificate, testKey } from '../../nginx/testing/client-and-replica.ts'
import { readComposeLimits } from '../faults/testbed/equipment.ts'
import { openTestbed, seededRandom, type Testbed } from '../faults/testbed/testbed.ts'
import { checkNginx } from '../launcher/stack/nginx.ts'
import { builtReplica, root } from '../launcher/stack/stack-options.ts'
import { freePorts } from '../lib/ports.ts'
import { nginxWorkers, residentBytes, signalProcess } from '../lib/processes.ts'
import type { Report } from '../lib/terminal.ts'
import { answers, waitUntil } from '../lib/wait.ts'
import type { Door } from './cases/cases.ts'
import type { Place } from './exchange.ts'

export type Board = AsyncDisposable & {
  testbed: Testbed
  placeOf(door: Door, n: number): Place
  /** srv_id of the first replica */
  srvId: string
  /** the path of a file that the page loads */
  asset: string
  /** the ids of all processes that answer: a change is a crash */
  processIds(): number[]
  /** lines that the processes have logged and that say that a program is wrong */
  alarms(): string[]
  /** complaints about processes that have ended since `processIds` was called */
  changesSince(processIds: number[]): string[]
  memory(): { name: string; bytes: number }[]
  /** bytes that are in use in each replica after a garbage collection, and that each NGINX takes */
  measureSettled(): Promise<{ name: string; bytes: number }[]>
  /** complaints about processes that take too much memory */
  excessMemory(): string[]
}

const noEquipment = { replicaClock: null, databaseClock: null, smallDisk: null, memoryLimits: null }
const host = '127.0.0.1'
const startMs = 30_000
/** bytes of all processes of an NGINX. It took 37 MB after 10,000 cases. */
const nginxMemoryMax = 128 * 2 ** 20

/** Starts the stack in `folder`. */
export async function openBoard(folder: string, signal: AbortSignal, report: Report): Promise<Board> {
  await using resources = new AsyncDisposableStack()
  const dataDir = join(folder, 'board')
  const testbed = await openTestbed({
    dataDir,
    random: seededRandom(1),
    replica: builtReplica({ ...process.env, ...heapProbe(folder) }),
    equipment: noEquipment,
    hasProxies: false,
    signal,
    report,
  })
  resources.defer(testbed.stop)
  const secure = resources.use(await startSecureNginx(join(folder, 'secure'), testbed))
  const asset = await findAsset(testbed.url)
  const kept = resources.move()

  const limits = readComposeLimits(readFileSync(join(root, 'docker-compose.yml'), 'utf8'))
  const nginxes = () => [
    { name: 'NGINX', pid: testbed.processes().nginx.pid },
    { name: 'NGINX with HTTPS', pid: secure.pid },
  ]
  const replicas = () => testbed.processes().replicas
  const places = (n: number) => {
    const { address } = replicas()[n % replicas().length] ?? { address: '' }
    return {
      nginx: { host, port: Number(new URL(testbed.url).port) },
      replica: { host, port: Number(address.split(':')[1]) },
      https: { host, port: secure.tlsPort },
      redirect: { host, port: secure.port },
    }
  }
  // Twice what a replica's container has: without a container V8 collects garbage later.
  const memory = () => [
    ...replicas().map(({ name, pid }) => ({ name, bytes: residentBytes(pid), limit: 2 * limits.web })),
    ...nginxes().map(({ name, pid }) => ({
      name,
      bytes: [pid, ...nginxWorkers(pid)].map(residentBytes).reduce((sum, bytes) => sum + bytes, 0),
      limit: nginxMemoryMax,
    })),
  ]
  const processIds = () => [
    ...replicas().map(({ pid }) => pid),
    ...nginxes().flatMap(({ pid }) => [pid, ...nginxWorkers(pid)]),
  ]
  return {
    testbed,
    placeOf: (door, n) => places(n)[door],
    srvId: replicas()[0]?.srv_id ?? '',
    asset,
    processIds,
    changesSince: earlier =>
      String(processIds()) === String(earlier)
        ? []
        : [`processes have ended: ${earlier} became ${processIds()}`],
    alarms: () => [
      ...[join(dataDir, 'nginx', 'error.log'), secure.errorLog].flatMap(path =>
        nginxAlarms(readFileSync(path, 'utf8')),
      ),
      ...replicas().flatMap(replica =>
        replicaAlarms(testbed.logOf(replica)).map(line => `${replica.name}: ${line}`),
      ),
    ],
    memory,
    async measureSettled() {
      const ofReplicas = replicas().map(async ({ name, pid }) => ({
        name,
        bytes: await settledHeap(folder, pid),
      }))
      const ofNginx = memory().filter(({ name }) => name.startsWith('NGINX'))
      return [...(await Promise.all(ofReplicas)), ...ofNginx.map(({ name, bytes }) => ({ name, bytes }))]
    },
    excessMemory: () =>
      memory()
        .filter(({ bytes, limit }) => bytes > limit)
        .map(({ name, bytes, limit }) => `${name} takes ${bytes} bytes, more than ${limit}`),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/**
 * Variables of a replica that collects its garbage on SIGUSR2, which it ignores otherwise, and writes into `folder` what is in use
 * then. The smallest of three collections counts: work under way is no leak.
 */
function heapProbe(folder: string): Record<string, string> {
  const script = `
    import { renameSync, writeFileSync } from 'node:fs'
    import { setTimeout as pause } from 'node:timers/promises'
    import { setFlagsFromString } from 'node:v8'
    import { runInNewContext } from 'node:vm'
    import { isMainThread } from 'node:worker_threads'
    if (isMainThread) process.on('SIGUSR2', async () => {
      setFlagsFromString('--expose-gc')
      const collect = runInNewContext('gc')
      let least = Infinity
      for (let time = 0; time < 3; time++) {
        await pause(100)
        collect()
        const { heapUsed, external } = process.memoryUsage()
        least = Math.min(least, heapUsed + external)
      }
      const file = ${JSON.stringify(join(folder, 'heap-'))} + process.pid
      writeFileSync(file + '.new', String(least))
      renameSync(file + '.new', file)
    })`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` }
}

async function settledHeap(folder: string, pid: number): Promise<number> {
  const file = join(folder, `heap-${pid}`)
  rmSync(file, { force: true })
  signalProcess(pid, 'SIGUSR2')
  await waitUntil(`replica ${pid} has measured its heap`, startMs, async () => existsSync(file), 50)
  return Number(readFileSync(file, 'utf8'))
}

/** NGINX with a certificate, in front of the replicas of the stack. */
async function startSecureNginx(directory: string, { processes }: Testbed) {
  const { path, native, errorLogOption, http2Directive, statusPage } = await checkNginx({})
  const ports = freePorts(directory)
  const [port, tlsPort, statusPort] = [
    (await ports.next()).value,
    (await ports.next()).value,
    (await ports.next()).value,
  ]
  const files = await renderNginx({
    directory,
    host,
    port,
    native,
    errorLogOption,
    statusPort,
    statusPage,
    stickySeconds: 300,
    replicas: processes().replicas.map(({ address, srv_id }) => ({ address, srvId: srv_id })),
    tls: { certificate: testCertificate, key: testKey, port: tlsPort, http2Directive },
  })
  const child = spawn(path, files.arguments, { cwd: directory, stdio: 'ignore' })
  const ended = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  try {
    await waitUntil('NGINX with HTTPS answers', startMs, () => answers(`http://${host}:${port}/healthz`), 50)
  } catch (error) {
    await stop()
    throw error
  }
  return { pid: child.pid ?? 0, port, tlsPort, errorLog: files.errorLog, [Symbol.asyncDispose]: stop }
}

async function findAsset(url: string): Promise<string> {
  const page = await (await fetch(url)).text()
  const path = /\/_next\/static\/[\w./-]+\.js/.exec(page)?.[0]
  if (path === undefined) throw new Error('the page loads no script')
  return path
}

/** Lines about a fault of NGINX itself, not of a client. https://nginx.org/en/docs/ngx_core_module.html#error_log */
export const nginxAlarms = (log: string) => linesThatMatch(log, /\[(alert|crit|emerg)\]/)

/** A stack, or a line of the level error or above. */
export const replicaAlarms = (log: string) =>
  linesThatMatch(log, /^\s+at .+:\d+|unhandled|uncaught|heap out of memory|^\S+Z (error|fatal) /i)

const linesThatMatch = (log: string, pattern: RegExp) => log.split('\n').filter(line => pattern.test(line))
