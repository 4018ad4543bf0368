import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { codeOf } from '../../../web/server/errors.ts'
import { accountStatements } from '../../lib/database-accounts.ts'
import { freePorts, isFree } from '../../lib/ports.ts'
import { commandLine } from '../../lib/processes.ts'
import { poll } from '../../lib/wait.ts'
import { DatabaseFailure, failureInFolder, type Home, keepPassword, openHome } from './home.ts'
import { initialise } from './initialise.ts'
import { launch, type RunningDatabase } from './launch.ts'
import { type DatabaseServer, findDatabaseServer, type Size, type Tls } from './server-program.ts'

export type StartOptions = {
  /** folder for the database's files, made on first start; nothing else belongs in it */
  dataDir: string
  /** default: the one of last time if it is free, else any free one */
  port?: number
  /** default: normal, 256 MB of buffer pool */
  size?: Size
  /** lets the owner's account make databases of its own; default: no */
  everything?: boolean
  /** default: the server takes no encrypted connections, which on this machine protect nothing */
  tls?: Tls
  /** variables of the server besides those of this process */
  environment?: Record<string, string>
  /** how long recovery and start may take, in ms; default: two minutes */
  readyWithin?: number
}

/**
 * A private MySQL or MariaDB as a plain process of the current user, on 127.0.0.1 and a socket.
 * The system's service, its option files and its data are not touched. Throws DatabaseFailure.
 */
export async function startDatabase(options: StartOptions): Promise<RunningDatabase> {
  const server = await findDatabaseServer()
  if (!server) throw new DatabaseFailure('there is no mariadbd and no mysqld on this machine')
  const folder = resolve(options.dataDir)
  try {
    return await startIn(await openHome(folder), server, options)
  } catch (error) {
    throw failureInFolder(folder, error)
  }
}

async function startIn(home: Home, server: DatabaseServer, options: StartOptions): Promise<RunningDatabase> {
  const { size = 'normal', everything = false, environment = {}, readyWithin = 120_000, tls } = options
  await refuseWhileInUse(home)
  await initialise(server, home, size)
  const passwords = {
    owner: await keepPassword(home.password),
    replica: await keepPassword(home.replicaPassword),
  }
  await writeFile(home.accounts, accountStatements(passwords, { host: '127.0.0.1', everything }), {
    mode: 0o600,
  })
  const port = await choosePort(options.port, home.port)
  const database = await launch(server, home, { port, passwords, size, tls, environment, readyWithin })
  await writeFile(home.port, `${port}\n`)
  return database
}

async function refuseWhileInUse(home: Home): Promise<void> {
  const pid = await findStray(home)
  if (pid !== null) throw new DatabaseFailure(`the database in ${home.folder} is in use by process ${pid}`)
}

/** The id of a server that already runs on this database; null = none. */
async function findStray(home: Home): Promise<number | null> {
  const pid = Number(await readFile(home.pid, 'utf8').catch(() => 0))
  if (!Number.isInteger(pid) || pid <= 0) return null
  // After a crash the number may belong to anybody.
  return commandLine(pid).includes(`--datadir=${home.files}`) ? pid : null
}

/** ms for the last flush. A server that takes longer loses nothing by SIGKILL: what it committed is on the disk. */
const patienceMs = 60_000
/** ms in which a killed process must be gone. One that waits for a broken disk is not. */
const killPatienceMs = 10_000

/**
 * Stops the server that a killed launcher left running on `dataDir`: in order, or by SIGKILL after `patience` ms. Resolves
 * once it is gone. Only for callers that know that no other launcher is using it. Returns whether there was one.
 * @throws DatabaseFailure when it cannot be stopped
 */
export async function stopStrayDatabase(dataDir: string, patience = patienceMs): Promise<boolean> {
  const home = await openHome(dataDir)
  const pid = await findStray(home)
  if (pid === null) return false
  const isGone = async () => (await findStray(home)) !== pid
  try {
    process.kill(pid, 'SIGTERM')
    // A frozen one hears nothing before it goes on.
    process.kill(pid, 'SIGCONT')
    if (await poll(isGone, patience, 50)) return true
    process.kill(pid, 'SIGKILL')
    if (await poll(isGone, killPatienceMs, 50)) return true
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return true
    if (codeOf(error) !== 'EPERM') throw error
  }
  throw new DatabaseFailure(
    `the database in ${home.folder} is in use by process ${pid}, which does not end: stop it first`,
  )
}

/** The port asked for; else the one of last time, so that replicas reconnect; else any free one. */
async function choosePort(asked: number | undefined, rememberedIn: string): Promise<number> {
  if (asked !== undefined) {
    if (await isFree(asked)) return asked
    throw new DatabaseFailure(`cannot start the database: port ${asked} is taken by another program`)
  }
  const remembered = Number(await readFile(rememberedIn, 'utf8').catch(() => 0))
  if (remembered > 0 && (await isFree(remembered))) return remembered
  return (await freePorts(rememberedIn).next()).value
}
