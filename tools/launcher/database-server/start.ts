import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { codeOf } from '../../../web/server/errors.ts'
import { accountStatements } from '../../lib/database-accounts.ts'
import { freePorts, isFree } from '../../lib/ports.ts'
import { commandLine, openLog } from '../../lib/processes.ts'
import { poll } from '../../lib/wait.ts'
import { DatabaseFailure, failureInFolder, failureOf, type Home, keepPassword, openHome } from './home.ts'
import { launch, type RunningDatabase } from './launch.ts'
import {
  commonArguments,
  type DatabaseServer,
  findDatabaseServer,
  findInstaller,
  type Size,
  type Tls,
  userName,
} from './server-program.ts'

export type StartOptions = {
  /** folder for the database's files only; created at the first start */
  dataDir: string
  /** default: the last port if it is free, else another free port */
  port?: number
  /** default: normal, 256 MB of buffer pool */
  size?: Size
  /** lets the owner's account create databases; default: no */
  everything?: boolean
  /** default: no encrypted connections, which would protect nothing on one machine */
  tls?: Tls
  /** variables for the server in addition to those of this process */
  environment?: Record<string, string>
  /** ms for recovery and start; default: two minutes */
  readyWithin?: number
}

/**
 * Starts a private MySQL or MariaDB as a plain process of this user, on 127.0.0.1 and a socket. It does not use the system's
 * database service, option files or data.
 * @throws DatabaseFailure
 */
export async function startDatabase(options: StartOptions): Promise<RunningDatabase> {
  const server = await findDatabaseServer()
  if (!server) throw new DatabaseFailure('neither mariadbd nor mysqld is installed on this machine')
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

/** Creates the database's first files if there are none. An interrupted attempt leaves no files that look complete. */
async function initialise(server: DatabaseServer, home: Home, size: Size): Promise<void> {
  if (await isThere(home.files)) return checkMaker(server, home)
  const staging = await mkdtemp(join(home.folder, 'new-'))
  await using alias = await plainAlias(home.folder)
  try {
    const files = join(staging, 'files')
    const through = (path: string) => join(alias.path, relative(home.folder, path))
    const [program, ...options] = await initialiser(server, through(files), through(home.temporary), size)
    if (!(await succeeds(program, options, home))) throw await failureOf('make a database', home)
    await writeFile(home.madeBy, `${server.flavour} ${server.version}\n`)
    await rename(files, home.files)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/**
 * A symbolic link to `folder` whose path has no spaces or quotes: MariaDB's installer is a shell script that does not quote paths.
 * Removed when it goes out of scope.
 */
async function plainAlias(folder: string) {
  const isPlain = /^[\w./-]+$/.test(tmpdir())
  const place = await mkdtemp(join(isPlain ? tmpdir() : '/tmp', 'board-'))
  const path = join(place, 'home')
  await symlink(folder, path, 'dir')
  return { path, [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }) }
}

async function checkMaker(server: DatabaseServer, home: Home): Promise<void> {
  const maker = (await readFile(home.madeBy, 'utf8').catch(() => server.flavour)).trim()
  if (maker.startsWith(server.flavour)) return
  throw new DatabaseFailure(
    `the database in ${home.folder} was made by ${maker}, which ${server.flavour} ${server.version} cannot read`,
  )
}

async function initialiser(
  server: DatabaseServer,
  files: string,
  temporary: string,
  size: Size,
): Promise<[string, ...string[]]> {
  const options = commonArguments(files, temporary, size)
  if (server.flavour === 'MySQL') return [server.path, ...options, '--initialize-insecure']
  const installer = findInstaller(server)
  if (!installer) throw new DatabaseFailure(`${server.path} is installed, but mariadb-install-db is not`)
  // The system's users root and this one sign in over the socket without a password. Other users cannot, nor anyone over TCP. This
  // does not work for a user without a name.
  const user = `--auth-root-socket-user=${userName() ?? 'root'}`
  const root = ['--auth-root-authentication-method=socket', user]
  return [installer, ...options, ...root, '--skip-name-resolve', '--skip-test-db']
}

async function succeeds(program: string, options: string[], home: Home): Promise<boolean> {
  await using log = await openLog(home.log)
  const child = spawn(program, options, { stdio: ['ignore', log.fd, log.fd] })
  const [status] = await once(child, 'exit')
  return status === 0
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

async function refuseWhileInUse(home: Home): Promise<void> {
  const pid = await findStray(home)
  if (pid !== null) throw new DatabaseFailure(`the database in ${home.folder} is in use by process ${pid}`)
}

/** The process id of a server that runs on this database; null = none. */
async function findStray(home: Home): Promise<number | null> {
  const pid = Number(await readFile(home.pid, 'utf8').catch(() => 0))
  if (!Number.isInteger(pid) || pid <= 0) return null
  // After a crash another process can have this id.
  return commandLine(pid).includes(`--datadir=${home.files}`) ? pid : null
}

/** ms to stop in order. Then SIGKILL, which loses nothing: commits are durable. */
const stopTimeoutMs = 60_000
/** ms until a killed process must be gone. A process that waits for a broken disk is not. */
const killTimeoutMs = 10_000

/**
 * Stops the server that a killed launcher left running on `dataDir`: in order, or by SIGKILL after `timeoutMs`. Resolves when it is
 * gone. The caller must know that no other launcher uses it.
 * @returns whether there was one
 * @throws DatabaseFailure if it cannot be stopped
 */
export async function stopStrayDatabase(dataDir: string, timeoutMs = stopTimeoutMs): Promise<boolean> {
  const home = await openHome(dataDir)
  const pid = await findStray(home)
  if (pid === null) return false
  const isGone = async () => (await findStray(home)) !== pid
  try {
    process.kill(pid, 'SIGTERM')
    // A frozen process receives the signal only after it continues.
    process.kill(pid, 'SIGCONT')
    if (await poll(isGone, timeoutMs, 50)) return true
    process.kill(pid, 'SIGKILL')
    if (await poll(isGone, killTimeoutMs, 50)) return true
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return true
    if (codeOf(error) !== 'EPERM') throw error
  }
  throw new DatabaseFailure(
    `the database in ${home.folder} is in use by process ${pid}, which does not end: stop it first`,
  )
}

/** The wanted port; else the last one, so that replicas reconnect; else a free one. */
async function choosePort(wanted: number | undefined, rememberedIn: string): Promise<number> {
  if (wanted !== undefined) {
    if (await isFree(wanted)) return wanted
    throw new DatabaseFailure(`cannot start the database: another program uses port ${wanted}`)
  }
  const remembered = Number(await readFile(rememberedIn, 'utf8').catch(() => 0))
  if (remembered > 0 && (await isFree(remembered))) return remembered
  return (await freePorts(rememberedIn).next()).value
}
