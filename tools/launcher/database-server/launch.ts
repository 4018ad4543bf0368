import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import { databaseName, ownerAccount, type Passwords, replicaAccount } from '../../lib/database-accounts.ts'
import { causeIn, type DatabaseFailure, failureOf, type Home, openLog, readLog } from './home.ts'
import { type DatabaseServer, type Size, serverArguments, type Tls } from './server-program.ts'

export type RunningDatabase = {
  /** mysql://user:password@127.0.0.1:port/database, of the account that owns the tables */
  url: string
  /** the same of the account that replicas sign in with */
  replicaUrl: string
  port: number
  socket: string
  pid: number
  server: DatabaseServer
  /** resolves when the process has ended, asked to or not */
  exited: Promise<void>
  /** Ends it in order and waits for that. Safe to call again, and after it died. */
  stop: () => Promise<void>
}

type LaunchOptions = {
  port: number
  passwords: Passwords
  size: Size
  tls: Tls | undefined
  environment: Record<string, string>
  readyWithin: number
}

// Recovery and the last flush are quick; a server that hangs this long loses nothing by SIGKILL: commits are durable.
const patienceAtStop = 60_000

/** Starts the server on files that exist and waits until it answers. Throws DatabaseFailure. */
export async function launch(
  server: DatabaseServer,
  home: Home,
  options: LaunchOptions,
): Promise<RunningDatabase> {
  const { port, passwords, size, tls } = options
  const socket = await chooseSocket(home.folder)
  const child = await spawnServer(
    server,
    home,
    serverArguments(server, { home, port, socket: socket.path, size, tls }),
    options.environment,
  )
  const exited = ended(child).then(socket.remove)
  const urlOf = (account: string, password: string) =>
    `mysql://${account}:${password}@127.0.0.1:${port}/${databaseName}`
  const url = urlOf(ownerAccount, passwords.owner)
  const replicaUrl = urlOf(replicaAccount, passwords.replica)

  const deadline = performance.now() + options.readyWithin
  const ready = await waitUntilItAnswers(
    url,
    async () => hasEnded(child) || performance.now() > deadline || waitsForLock(home),
  )
  if (ready && child.pid) {
    const { pid } = child
    const end = () => stop(child, exited)
    return { url, replicaUrl, port, socket: socket.path, pid, server, exited, stop: end }
  }
  const failure: DatabaseFailure = await failureOf('start the database', home)
  child.kill('SIGKILL') // it never answered, so nothing was asked of it
  await exited
  throw failure
}

/** In a process group of its own: a Ctrl-C at the terminal reaches the launcher, which stops all in order. */
async function spawnServer(
  server: DatabaseServer,
  home: Home,
  options: string[],
  environment: Record<string, string>,
): Promise<ChildProcess> {
  await using log = await openLog(home)
  const env = { ...process.env, ...environment }
  const child = spawn(server.path, options, { env, detached: true, stdio: ['ignore', log.fd, log.fd] })
  await once(child, 'spawn')
  return child
}

/** Also where it ended before anybody asked. */
const ended = (child: ChildProcess) =>
  hasEnded(child) ? Promise.resolve() : once(child, 'exit').then(() => {})
const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

/** Both flavours try for half a minute and more to lock files that another process holds. */
const waitsForLock = async (home: Home) =>
  causeIn(await readLog(home))?.startsWith('another database') ?? false

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  const lastResort = setTimeout(() => child.kill('SIGKILL'), patienceAtStop)
  await exited
  clearTimeout(lastResort)
}

// A socket's path may have 107 bytes on Linux and 103 on macOS; the server makes `<socket>.lock` beside it.
const longestPath = 95

type SocketPlace = { path: string; remove: () => Promise<void> }

/** In the database's own folder; where that path is too long, in a folder of its own under the system's. */
async function chooseSocket(folder: string): Promise<SocketPlace> {
  const path = join(folder, 'socket')
  if (Buffer.byteLength(path) <= longestPath) return { path, remove: async () => {} }
  const short = join(await mkdtemp(join(tmpdir(), 'board-')), 's')
  return { path: short, remove: () => rm(dirname(short), { recursive: true, force: true }) }
}

/**
 * Asks until the database answers, and says whether it did; `giveUp` is asked before each further try.
 * A server that runs its set-up does not answer on TCP yet, so an answer means: ready.
 */
async function waitUntilItAnswers(url: string, giveUp: () => Promise<boolean>): Promise<boolean> {
  while (!(await answers(url))) {
    if (await giveUp()) return false
    await sleep(50)
  }
  return true
}

async function answers(url: string): Promise<boolean> {
  try {
    const connection = await mysql.createConnection({ uri: url, connectTimeout: 1000 })
    await connection.end()
    return true
  } catch {
    return false // not yet
  }
}
