// The build of the replica: makes it when the sources have changed, one process at a time, and gives a stack its own copy.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:fs'
import {
  copyFile,
  glob,
  link,
  mkdir,
  mkdtempDisposable,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf, UserError } from '../../../web/server/errors.ts'
import { endGroup, lastLines } from '../../lib/processes.ts'
import { abortOnSignals, outliveTerminal, print, type Report } from '../../lib/terminal.ts'
import { type Lock, takeLock, unusable } from './data-dir.ts'
import { type ReplicaProgram, root, standalone } from './stack-options.ts'
import type { Workspace } from './workspace.ts'

/** Holds the lock and the log of this checkout's builds. */
const buildFolder = join(root, 'node_modules/.cache/balance-board')

/** The fingerprint of the sources of the last build. A failed build has none: it is removed first. */
const stamp = join(standalone, 'built-from')
const log = join(buildFolder, 'build.log')

/**
 * Builds the replica if necessary, then runs `work` with a temporary folder, which is removed afterwards. A signal ends both
 * early. The exit status is 1 if `work` returns false or a signal has ended it.
 */
export async function runOnBuild(
  work: (folder: string, signal: AbortSignal) => Promise<boolean>,
  report = print,
): Promise<void> {
  outliveTerminal()
  const signal = abortOnSignals()
  await buildIfChanged(report, signal)
  try {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'board-'))
    if (!(await work(folder.path, signal))) process.exitCode = 1
  } catch (error) {
    if (!signal.aborted) throw error
  }
  if (signal.aborted) process.exit(1) // work that was interrupted may still send page views
}

/**
 * Builds the replica unless the sources are those of the last build. Of two concurrent calls, one builds and the other waits.
 * @throws UserError with the last output of the build, or the file that cannot be read or written; after an abort, the signal's
 * reason
 */
export async function buildIfChanged(report: Report, signal: AbortSignal): Promise<void> {
  try {
    if (await isBuilt()) return
    await withBuildLock(report, signal, async () => {
      if (!(await isBuilt())) await build(report, signal)
    })
  } catch (error) {
    throw unusable(buildFolder, error)
  }
}

async function isBuilt(): Promise<boolean> {
  const built = await readFile(stamp, 'utf8').catch(() => '')
  return built !== '' && built === (await fingerprint(root))
}

async function build(report: Report, signal: AbortSignal): Promise<void> {
  report(
    'build',
    'building, which takes about a minute: this is the first build, or the sources have changed',
  )
  const startedAt = performance.now()
  const sources = await fingerprint(root)
  await rm(stamp, { force: true })
  if (!(await succeeds(signal))) {
    throw new UserError(`the build failed; ${log} ends with\n${await lastLines(log, 25)}`)
  }
  await writeFile(stamp, sources)
  report('build', `ready after ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
}

/** Runs the build in a separate process group, so that Ctrl-C reaches only the launcher. */
async function succeeds(signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted()
  const output = await open(log, 'w')
  const stdio: ['ignore', number, number] = ['ignore', output.fd, output.fd]
  const child = spawn(process.execPath, [join(root, 'web/build.ts')], { cwd: root, detached: true, stdio })
  const ended = once(child, 'exit')
  const { pid } = child
  const end = () => void (pid && endGroup(pid, 'SIGTERM', 2000))
  signal.addEventListener('abort', end)
  const [status] = await ended
  signal.removeEventListener('abort', end)
  await output.close()
  signal.throwIfAborted()
  return status === 0
}

// All files that determine the build's output.
const sources = [
  'web/**/*',
  'monitoring/nginx-log-exporter/*',
  'prisma/*.{ts,prisma}',
  'prisma/migrations/**/*',
  'next.config.ts',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
]

/** Whether a name or path belongs to the build's own output or to tests. */
const isLeftOut = (path: string) =>
  /(^|\/)(\.next|client|testing)(\/|$)|\.test\.tsx?$|next-env\.d\.ts$/.test(path)

/** A hash of the names and contents of all sources under `root`. File times do not matter: a checkout changes them. */
export async function fingerprint(root: string): Promise<string> {
  const files: string[] = []
  const exclude = ({ name }: { name: string }) => isLeftOut(name) // do not walk through .next
  for await (const entry of glob(sources, { cwd: root, withFileTypes: true, exclude })) {
    if (entry.isFile()) files.push(relative(root, join(entry.parentPath, entry.name)))
  }
  const hash = createHash('sha256')
  for (const path of files.filter(path => !isLeftOut(path)).sort()) {
    const content = createHash('sha256').update(await readFile(join(root, path)))
    hash.update(`${content.digest('hex')} ${path}\n`)
  }
  return hash.digest('hex')
}

/** Runs `work` while no other process builds this checkout. */
async function withBuildLock<T>(report: Report, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
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
