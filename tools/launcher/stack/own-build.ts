import { constants } from 'node:fs'
import { copyFile, link, mkdir, readdir, readlink, rm, stat, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf, UserError } from '../../../web/server/errors.ts'
import type { Report } from '../../lib/terminal.ts'
import { type Lock, takeLock } from './data-dir.ts'
import { type ReplicaProgram, root } from './stack-options.ts'
import type { Workspace } from './workspace.ts'

/** Holds the lock and the log of this checkout's builds. */
export const buildFolder = join(root, 'node_modules/.cache/balance-board')

/**
 * Changes a program that runs from a build so that it runs from a copy in `folder`: the next build removes the original, but a
 * restarted replica must have the same version as the others. Returns any other program unchanged. No process may run from `folder`.
 * @throws UserError if there is no build
 */
export async function ownBuild(
  program: ReplicaProgram,
  folder: string,
  { report, signal }: Pick<Workspace, 'report' | 'signal'>,
): Promise<ReplicaProgram> {
  const { build, ...rest } = program
  if (build === undefined) return program
  await withBuildLock(report, signal, async () => {
    if (!(await isFolder(program.cwd))) throw new UserError(`no build in ${build}: start again`)
    await rm(folder, { recursive: true, force: true })
    await linkTree(build, folder)
  })
  return { ...rest, cwd: join(folder, relative(build, program.cwd)) }
}

/** Links all files of `from` into a new folder `to`, which takes no space. Copies to another disk. */
async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await linkTree(source, target)
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else await linkOrCopy(source, target)
  }
}

/** Errors of a disk without links, or with too few per file. Source: link(2) */
const copyInstead = new Set([
  'EXDEV',
  'EPERM',
  'EMLINK',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EACCES',
  'EINVAL',
])

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await link(source, target)
  } catch (error) {
    if (!copyInstead.has(codeOf(error))) throw error
    await copyFile(source, target, constants.COPYFILE_FICLONE)
  }
}

const isFolder = (path: string) =>
  stat(path).then(
    found => found.isDirectory(),
    () => false,
  )

/** Runs `work` while no other process builds this checkout. */
export async function withBuildLock<T>(
  report: Report,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(buildFolder, { recursive: true })
  const lock = await waitForLock(report, signal)
  try {
    return await work()
  } finally {
    lock.release()
  }
}

async function waitForLock(report: Report, signal: AbortSignal): Promise<Lock> {
  const path = join(buildFolder, 'build.lock')
  let lock = takeLock(path)
  if (!lock) report('build', 'waiting for the build of another start')
  while (!lock) {
    await pause(200, null, { signal })
    lock = takeLock(path)
  }
  return lock
}
