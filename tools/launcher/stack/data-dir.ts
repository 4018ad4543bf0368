import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { access, constants, mkdir, mkdtemp, rm, statfs, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { codeOf, UserError } from '../../../web/server/errors.ts'

/** The one folder a stack writes to. */
export type DataDir = {
  folder: string
  lock: string
  /** the process id of who has the lock */
  launcher: string
  /** the processes the launcher has started, for the next one, should this one be killed */
  processes: string
  stackFile: string
  database: string
  nginx: string
  /** the build that its replicas run from */
  build: string
  logs: string
}

/** In MB: what a new database takes, and what one that is there needs to be recovered. */
const roomFor = { first: 200, again: 30 }

const causes: Record<string, string> = {
  EACCES: 'this user may not read and write it',
  EPERM: 'this user may not read and write it',
  EROFS: 'it is on a disk that can only be read',
  ENOENT: 'it is not there',
  ENOTDIR: 'a file stands in its place',
  EEXIST: 'a file stands in its place',
  ENOSPC: 'the disk is full',
  EDQUOT: "this user's share of the disk is used up",
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
    database: join(folder, 'database'),
    nginx: join(folder, 'nginx'),
    build: join(folder, 'build'),
    logs: join(folder, 'logs'),
  }
}

/** Makes the folder, for its owner alone, if it is not there. Throws UserError where it cannot be used. */
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

/** Throws UserError where the disk has no room for a start. */
export async function checkRoom({ folder, database }: DataDir): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = Math.floor((bavail * bsize) / 1024 / 1024)
  const needed = existsSync(join(database, 'files')) ? roomFor.again : roomFor.first
  if (free >= needed) return
  throw new UserError(`the disk of ${folder} is full: ${free} MB are free, and ${needed} MB are needed`)
}

/** How a socket is made at a path, and let go. */
type Bind = (path: string) => Promise<void>

/**
 * Throws UserError where the folder is on a disk that takes no Unix sockets, like a drive of Windows in WSL: the database
 * and NGINX make some in it.
 */
export async function checkSockets({ folder }: DataDir, bind: Bind = bindOnce): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), 'board-'))
  const name = 'socket-trial'
  // By a short path: that of a socket may have 107 bytes and no more, 103 on macOS (unix(7)).
  const path = join(place, 'd', name)
  try {
    if (Buffer.byteLength(path) > 103) return // where temporary files are so deep it cannot be tried
    await symlink(folder, join(place, 'd'), 'dir')
    await rm(join(folder, name), { force: true })
    await bind(path).catch(error => {
      throw new UserError(
        `the folder ${folder} cannot be used: its disk takes no sockets (${codeOf(error)}), like a drive of Windows in ` +
          'WSL: set DATA_DIR to a folder on another disk, for example in your home folder',
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
 * An error of the file system as one sentence, about `folder` or what the error names outside it; any other error as it is.
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

/** Whether `path` is `folder` or in it, or is a folder around it, without which it cannot be made. */
function isWithin(folder: string, path: string): boolean {
  const isBelow = (below: string, above: string) => {
    const way = relative(above, below)
    return !way.startsWith('..') && !isAbsolute(way)
  }
  return isBelow(resolve(path), resolve(folder)) || isBelow(resolve(folder), resolve(path))
}

/**
 * Opens a data folder for the one launcher that may use it at a time. Throws UserError when another one is using it.
 */
export async function ownFolder(path: string): Promise<{ dataDir: DataDir; lock: Lock }> {
  const dataDir = await openDataDir(path)
  try {
    const lock = takeLock(dataDir.lock)
    if (!lock) throw inUse(dataDir)
    writeFileSync(dataDir.launcher, `${process.pid}\n`, { mode: 0o600 })
    return { dataDir, lock }
  } catch (error) {
    throw unusable(dataDir.folder, error)
  }
}

function inUse({ folder, launcher }: DataDir): UserError {
  return new UserError(
    `a board is already running on ${folder} (process ${readHolder(launcher)}): ` +
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
 * Takes the lock that the file at `path` stands for, or says null: another has it. The operating system lets go of it
 * when its holder ends, however that comes about, so it is never stale. SQLite is the one door to such locks in Node.
 * Throws UserError where the file cannot be written.
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

/** Source of the words: https://www.sqlite.org/rescode.html#full */
function failure(path: string, error: unknown): UserError {
  const said = error instanceof Error ? error.message : String(error)
  const why = said === 'database or disk is full' ? 'the disk is full' : said
  return new UserError(`the lock ${path} cannot be taken: ${why}`)
}

const schema = z.object({
  /** where the board is */
  url: z.string(),
  /** mysql://user:password@127.0.0.1:port/database, of the account that owns the tables; replicas have another */
  databaseUrl: z.string(),
  nginx: z.object({ pid: z.number() }),
  database: z.object({ pid: z.number() }),
  replicas: z.array(z.object({ name: z.string(), pid: z.number(), address: z.string(), srv_id: z.string() })),
})

/** What stack.json says while the stack runs. */
export type StackFile = z.output<typeof schema>

/** Null when no stack runs there. */
export function readStackFile(path: string): StackFile | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}

export function writeStackFile(path: string, stack: StackFile): void {
  writeWhole(path, JSON.stringify(stack, null, 2))
}

export function removeStackFile(path: string): void {
  rmSync(path, { force: true })
}

/** Writes a file, for its owner alone, that others see whole or not at all. Throws, with nothing changed. */
export function writeWhole(path: string, text: string): void {
  const beside = `${path}.new`
  try {
    writeFileSync(beside, `${text}\n`, { mode: 0o600 })
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
