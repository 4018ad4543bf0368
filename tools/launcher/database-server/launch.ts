import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import { databaseName, ownerAccount, type Passwords, replicaAccount } from '../../lib/database-accounts.ts'
import { openLog } from '../../lib/processes.ts'
import { causeIn, type DatabaseFailure, failureOf, type Home, readLog } from './home.ts'
import { type DatabaseServer, type Size, serverArguments, type Tls } from './server-program.ts'

export type RunningDatabase = {
  /** mysql://user:password@127.0.0.1:port/database, for the account that owns the tables */
  url: string
  /** the same for the account of the replicas */
  replicaUrl: string
  port: number
  socket: string
  pid: number
  server: DatabaseServer
  /** resolves when the process has ended for any reason */
  exited: Promise<void>
  /** Ends the process in order. Can be called again, and after it has ended. */
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

/** ms to stop in order. Then SIGKILL, which loses nothing: commits are durable. */
const stopTimeoutMs = 60_000

/** Starts the server on existing files and waits until it answers. @throws DatabaseFailure */
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
  child.kill('SIGKILL') // it has never answered, so it holds no data of ours
  await exited
  throw failure
}

/** Starts a separate process group: Ctrl-C reaches only the launcher, which stops all processes in order. */
async function spawnServer(
  server: DatabaseServer,
  home: Home,
  options: string[],
  environment: Record<string, string>,
): Promise<ChildProcess> {
  await using log = await openLog(home.log)
  const env = { ...process.env, ...environment }
  const child = spawn(server.path, options, { env, detached: true, stdio: ['ignore', log.fd, log.fd] })
  await once(child, 'spawn')
  return child
}

/** Resolves when the process ends, or immediately if it has ended. */
const ended = (child: ChildProcess) =>
  hasEnded(child) ? Promise.resolve() : once(child, 'exit').then(() => {})
const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

/** MySQL and MariaDB retry for more than half a minute if another process has locked the files. */
const waitsForLock = async (home: Home) =>
  causeIn(await readLog(home))?.startsWith('another database') ?? false

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  const lastResort = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
  await exited
  clearTimeout(lastResort)
}

/** A socket's path has at most 107 bytes on Linux and 103 on macOS. The server also creates `<socket>.lock`. */
const maxPathBytes = 95

type SocketPlace = { path: string; remove: () => Promise<void> }

/** In the database's folder, or in a new temporary folder if that path is too long. */
async function chooseSocket(folder: string): Promise<SocketPlace> {
  const path = join(folder, 'socket')
  if (Buffer.byteLength(path) <= maxPathBytes) return { path, remove: async () => {} }
  const short = join(await mkdtemp(join(tmpdir(), 'board-')), 's')
  return { path: short, remove: () => rm(dirname(short), { recursive: true, force: true }) }
}

/**
 * Waits until the database answers. An answer over TCP means that it is ready: during its set-up it does not listen.
 * @returns false if `giveUp` returns true after a failed attempt
 */
async function waitUntilItAnswers(url: string, giveUp: () => Promise<boolean>): Promise<boolean> {
  while (!(await answers(url))) {
    if (await giveUp()) return false
    await pause(50)
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
