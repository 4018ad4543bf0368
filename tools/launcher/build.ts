import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { glob, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../web/server/errors.ts'
import { lastLines } from '../lib/logs.ts'
import { endGroup } from '../lib/processes.ts'
import type { Report } from '../lib/terminal.ts'
import { type Lock, takeLock } from './stack/data-dir.ts'

const root = join(import.meta.dirname, '..', '..')
/** Says which sources the build was made of; Next's own build removes it first, so a build that failed has none. */
const stamp = join(root, 'web/.next/standalone/built-from')
const folder = join(root, 'node_modules/.cache/balance-board')
const log = join(folder, 'build.log')

/**
 * Builds the replica unless the last build was made of these very sources. Of two at once, one builds and the other
 * waits. Throws UserError with what the build said last; after an abort, the signal's reason.
 */
export async function buildIfChanged(report: Report, signal: AbortSignal): Promise<void> {
  if (await isBuilt()) return
  await mkdir(folder, { recursive: true })
  const lock = await waitForLock(report, signal)
  try {
    if (await isBuilt()) return
    await build(report, signal)
  } finally {
    lock.release()
  }
}

async function isBuilt(): Promise<boolean> {
  const built = await readFile(stamp, 'utf8').catch(() => '')
  return built !== '' && built === (await fingerprint(root))
}

async function waitForLock(report: Report, signal: AbortSignal): Promise<Lock> {
  const path = join(folder, 'build.lock')
  let lock = takeLock(path)
  if (!lock) report('build', 'another start is building; waiting for it')
  while (!lock) {
    await sleep(200, null, { signal })
    lock = takeLock(path)
  }
  return lock
}

async function build(report: Report, signal: AbortSignal): Promise<void> {
  report('build', 'the sources are new here or have changed: building, which takes about a minute')
  const begun = performance.now()
  const sources = await fingerprint(root)
  await rm(stamp, { force: true })
  if (!(await succeeds(signal))) {
    throw new UserError(`the build failed; ${log} ends with\n${await lastLines(log, 25)}`)
  }
  await writeFile(stamp, sources)
  report('build', `ready after ${((performance.now() - begun) / 1000).toFixed(0)} s`)
}

/** In a process group of its own, so that a Ctrl-C reaches the launcher alone. */
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

// All that the build's output is made of.
const sources = [
  'web/**/*',
  'prisma/*.{ts,prisma}',
  'prisma/migrations/**/*',
  'next.config.ts',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
]

/** Of a name or a path: what the build writes itself, and tests. */
const isLeftOut = (path: string) =>
  /(^|\/)(\.next|client|testing)(\/|$)|\.test\.tsx?$|next-env\.d\.ts$/.test(path)

/** A hash of every source under `root`, names and contents. By content: a checkout changes times. */
export async function fingerprint(root: string): Promise<string> {
  const files: string[] = []
  const exclude = ({ name }: { name: string }) => isLeftOut(name) // else it would walk through all of .next
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
