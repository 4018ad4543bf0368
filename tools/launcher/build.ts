import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { glob, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { UserError } from '../../web/server/errors.ts'
import { lastLines } from '../lib/logs.ts'
import { endGroup } from '../lib/processes.ts'
import type { Report } from '../lib/terminal.ts'
import { unusable } from './stack/data-dir.ts'
import { buildFolder, whileNoOtherBuilds } from './stack/own-build.ts'
import { root, standalone } from './stack/stack-options.ts'

/** Says which sources the build was made of; Next's own build removes it first, so a build that failed has none. */
const stamp = join(standalone, 'built-from')
const log = join(buildFolder, 'build.log')

/**
 * Builds the replica unless the last build was made of these very sources. Of two at once, one builds and the other
 * waits. Throws UserError with what the build said last, or what it cannot read or write; after an abort, the signal's
 * reason.
 */
export async function buildIfChanged(report: Report, signal: AbortSignal): Promise<void> {
  try {
    if (await isBuilt()) return
    await whileNoOtherBuilds(report, signal, async () => {
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
