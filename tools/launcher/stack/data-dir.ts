import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { access, constants, mkdir, mkdtemp, rm, statfs, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { readTokenFile } from '../../../web/server/config.ts'
import { codeOf, reasonOf, UserError } from '../../../web/server/errors.ts'

/** The folder that holds everything a stack writes. */
export type DataDir = {
  folder: string
  lock: string
  /** the process id of the lock's holder */
  launcher: string
  /** the launcher's processes: if it is killed, the next launcher ends them */
  processes: string
  stackFile: string
  /** the token of control: web/server/endpoints/control.ts */
  adminToken: string
  /** what Prometheus scrapes */
  targetsFile: string
  database: string
  nginx: string
  /** the copy of the build that the replicas run */
  build: string
  logs: string
}

/** MB that a new database needs, and an existing one for its recovery */
const neededMb = { first: 200, again: 30 }

const causes: Record<string, string> = {
  EACCES: 'this user has no permission to read and write it',
  EPERM: 'this user has no permission to read and write it',
  EROFS: 'its disk is read-only',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a file is in its place',
  EEXIST: 'a file is in its place',
  ENOSPC: 'the disk is full',
  EDQUOT: "this user's disk quota is used up",
  ENAMETOOLONG: 'its name is too long',
}

export function dataDirAt(path: string): DataDir {
  const folder = resolve(path)
  return {
    folder,
    lock: join(folder, 'lock'),
    launcher: join(folder, 'launcher.pid'),
    processes: join(folder, 'processes.json'),
    stackFile: join(folder, 'stack.json'),
    adminToken: join(folder, 'admin-token'),
    targetsFile: join(folder, 'prometheus-targets.json'),
    database: join(folder, 'database'),
    nginx: join(folder, 'nginx'),
    build: join(folder, 'build'),
    logs: join(folder, 'logs'),
  }
}

/** Creates the folder if it is missing; only its owner can read it. @throws UserError if it cannot be used */
export async function openDataDir(path: string): Promise<DataDir> {
  const dataDir = dataDirAt(path)
  try {
    await mkdir(dataDir.logs, { recursive: true, mode: 0o700 })
    await access(dataDir.folder, constants.R_OK | constants.W_OK | constants.X_OK)
    await access(dataDir.logs, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw unusable(dataDir.folder, error)
  }
  return dataDir
}

/**
 * Saves the token of control in the folder, or makes one if there is none yet. The replicas read the file. @returns the token
 * @throws Error if it cannot be written
 */
export function keepAdminToken({ adminToken: file }: DataDir, given: string | null): string {
  const kept = readTokenFile(file)
  const token = given ?? kept ?? randomBytes(24).toString('hex')
  // Also if it is there already: others may have been able to read it.
  writeAtomically(file, token)
  return token
}

/** @throws UserError if the disk has too little space for a start */
export async function checkRoom({ folder, database }: DataDir): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = Math.floor((bavail * bsize) / 1024 / 1024)
  const needed = existsSync(join(database, 'files')) ? neededMb.again : neededMb.first
  if (free >= needed) return
  throw new UserError(`the disk of ${folder} is full: ${free} MB are free, and ${needed} MB are needed`)
}

/** Creates a socket at a path and closes it. */
type Bind = (path: string) => Promise<void>

/**
 * Checks that the folder's disk supports Unix sockets, which the database and NGINX create there. A Windows drive in WSL does not.
 * @throws UserError
 */
export async function checkSockets({ folder }: DataDir, bind: Bind = bindOnce): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), 'board-'))
  const name = 'socket-trial'
  // Through a short path: a socket's path has at most 107 bytes, on macOS 103 (unix(7)).
  const path = join(place, 'd', name)
  try {
    if (Buffer.byteLength(path) > 103) return // the temporary folder's path is too long to try
    await symlink(folder, join(place, 'd'), 'dir')
    await rm(join(folder, name), { force: true })
    await bind(path).catch(error => {
      throw new UserError(
        `the folder ${folder} cannot be used: its disk supports no sockets (${codeOf(error)}), like a Windows drive in ` +
          'WSL. Set DATA_DIR to a folder on another disk, for example in your home folder',
      )
    })
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

async function bindOnce(path: string): Promise<void> {
  const server = createServer()
  try {
    server.listen(path)
    await once(server, 'listening')
  } finally {
    server.close()
  }
}

/**
 * A file system error as a UserError about `folder`, or about the error's path if that is outside `folder`. Returns any other error
 * unchanged.
 */
export function unusable(folder: string, error: unknown): unknown {
  const cause = causes[codeOf(error)]
  if (!cause) return error
  const place = pathOf(error)
  const isOutside = place !== null && !isWithin(folder, place)
  return new UserError(`${isOutside ? place : `the folder ${folder}`} cannot be used: ${cause}`)
}

function pathOf(error: unknown): string | null {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : null
}

/** Whether `path` is `folder`, is in it, or is a parent of it. */
function isWithin(folder: string, path: string): boolean {
  const isBelow = (below: string, above: string) => {
    const path = relative(above, below)
    return !path.startsWith('..') && !isAbsolute(path)
  }
  return isBelow(resolve(path), resolve(folder)) || isBelow(resolve(folder), resolve(path))
}

/**
 * Opens a data folder and takes its lock: one launcher uses it at a time. @throws UserError if another launcher uses it
 */
export async function lockDataDir(path: string, what = 'a board'): Promise<{ dataDir: DataDir; lock: Lock }> {
  const dataDir = await openDataDir(path)
  try {
    const lock = takeLock(dataDir.lock)
    if (!lock) throw inUse(dataDir, what)
    writeFileSync(dataDir.launcher, `${process.pid}\n`, { mode: 0o600 })
    return { dataDir, lock }
  } catch (error) {
    throw unusable(dataDir.folder, error)
  }
}

function inUse({ folder, launcher }: DataDir, what: string): UserError {
  return new UserError(
    `${what} is already running on ${folder} (process ${readHolder(launcher)}): ` +
      'stop it first, or set DATA_DIR to another folder',
  )
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim() || 'unknown'
  } catch {
    return 'unknown'
  }
}

export type Lock = { release: () => void }

/**
 * Takes the lock of the file at `path`. Returns null if another process has it. The operating system releases the lock when its
 * holder ends in any way, so it is never stale. Node offers file locks only through SQLite.
 * @throws UserError if the file cannot be written
 */
export function takeLock(path: string): Lock | null {
  const file = open(path)
  try {
    file.exec('BEGIN EXCLUSIVE')
    return { release: () => file.close() }
  } catch (error) {
    file.close()
    if (error instanceof Error && error.message.includes('locked')) return null
    throw failure(path, error)
  }
}

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 })
  } catch (error) {
    throw failure(path, error)
  }
}

/** Source of the message: https://www.sqlite.org/rescode.html#full */
function failure(path: string, error: unknown): UserError {
  const message = reasonOf(error)
  const reason = message === 'database or disk is full' ? 'the disk is full' : message
  return new UserError(`cannot take the lock ${path}: ${reason}`)
}

const schema = z.object({
  /** address of the board */
  url: z.string(),
  /** mysql://user:password@127.0.0.1:port/database, for the account that owns the tables; replicas use another account */
  databaseUrl: z.string(),
  nginx: z.object({ pid: z.number() }),
  database: z.object({ pid: z.number() }),
  replicas: z.array(z.object({ name: z.string(), pid: z.number(), address: z.string(), srv_id: z.string() })),
  /** where `npm run monitoring` starts its exporters, and what they read */
  monitoring: z
    .object({
      /** ip:port of the exporter of NGINX's log: messages over UDP, metrics over HTTP */
      nginx_log_exporter: z.string(),
      /** ip:port of the exporter of NGINX's number of connections */
      nginx_status_exporter: z.string(),
      /** what that exporter reads */
      nginx_status: z.string(),
    })
    .optional(),
})

/** Contents of stack.json, which exists while the stack runs. */
export type StackFile = z.output<typeof schema>

/** Returns null if no stack runs there. */
export function readStackFile(path: string): StackFile | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}

/** Writes what others read about the running stack: stack.json, and the same for Prometheus. */
export function writeStackFiles({ stackFile, targetsFile }: DataDir, stack: StackFile): void {
  writeAtomically(stackFile, JSON.stringify(stack, null, 2))
  writeAtomically(targetsFile, JSON.stringify(prometheusTargets(stack), null, 2))
}

export function removeStackFiles({ stackFile, targetsFile }: DataDir): void {
  rmSync(stackFile, { force: true })
  rmSync(targetsFile, { force: true })
}

/**
 * What Prometheus scrapes, in the format of its file_sd. Source:
 * https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
 */
function prometheusTargets({ replicas, monitoring }: StackFile) {
  const group = (job: string, targets: string[]) => ({ targets, labels: { job } })
  return [
    group(
      'web',
      replicas.map(({ address }) => address),
    ),
    ...(monitoring
      ? [
          group('nginx', [monitoring.nginx_log_exporter]),
          group('nginx_status', [monitoring.nginx_status_exporter]),
        ]
      : []),
  ]
}

/** Writes a file that only its owner can read. Readers see the old or the new content, also after an error. @throws */
export function writeAtomically(path: string, text: string): void {
  const beside = `${path}.new`
  try {
    writeFileSync(beside, `${text}\n`, { mode: 0o600 })
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
