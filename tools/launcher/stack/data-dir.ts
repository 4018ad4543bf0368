import { existsSync } from 'node:fs'
import { access, constants, mkdir, statfs } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { codeOf } from '../../../web/server/error-code.ts'
import { StackFailure } from '../../lib/stack-failure.ts'

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
  logs: string
}

/** In MB: what a new database takes, and what one that is there needs to be recovered. */
const roomFor = { first: 200, again: 30 }

const causes: Record<string, string> = {
  EACCES: 'this user may not read and write it',
  EPERM: 'this user may not read and write it',
  EROFS: 'it is on a disk that can only be read',
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
    logs: join(folder, 'logs'),
  }
}

/** Makes the folder, for its owner alone, if it is not there. Throws StackFailure where it cannot be used. */
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

/** Throws StackFailure where the disk has no room for a start. */
export async function checkRoom({ folder, database }: DataDir): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = Math.floor((bavail * bsize) / 1024 / 1024)
  const needed = existsSync(join(database, 'files')) ? roomFor.again : roomFor.first
  if (free >= needed) return
  throw new StackFailure(`the disk of ${folder} is full: ${free} MB are free, and ${needed} MB are needed`)
}

/** An error of the file system about `folder`, as one sentence; any other error as it is. */
export function unusable(folder: string, error: unknown): unknown {
  const cause = causes[codeOf(error)]
  return cause ? new StackFailure(`the folder ${folder} cannot be used: ${cause}`) : error
}
