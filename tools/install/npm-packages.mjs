import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CannotInstall } from './programs.mjs'

/** Installs the packages of package-lock.json, unless node_modules has them. */
export function installNpmPackages(root) {
  if (packagesAreInstalled(root)) return
  withInstallLock(root, () => {
    if (packagesAreInstalled(root)) return // another start has just installed them
    console.log('Installing the npm packages …')
    npmCi(root)
  })
}

function packagesAreInstalled(root) {
  const wanted = readPackages(join(root, 'package-lock.json'))
  // npm writes this file last, so it is missing after an interrupted installation.
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'))
  return (
    wanted !== null &&
    installed !== null &&
    isInstalled(wanted, installed) &&
    commandsOf(installed).every(name => existsSync(join(root, 'node_modules', '.bin', name)))
  )
}

/** The commands that npm links for `installed`, the `packages` of a lock file. Settings of npm can prevent the links. */
export function commandsOf(installed) {
  const isOutermost = path => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path)
  return Object.entries(installed)
    .filter(([path]) => isOutermost(path))
    .flatMap(([, { bin = {} }]) => Object.keys(bin))
}

/**
 * Whether `installed` has exactly the packages of `wanted`, in the same versions. Optional packages may be missing: most are for
 * other machines. Both are the `packages` of a lock file. File times do not matter: a checkout changes them.
 */
export function isInstalled(wanted, installed) {
  const here = new Set(Object.keys(installed))
  for (const [path, { version, integrity, optional }] of Object.entries(wanted)) {
    if (path === '') continue // the project itself
    const found = installed[path]
    if (!found && optional) continue
    if (!found || found.version !== version || found.integrity !== integrity) return false
    here.delete(path)
  }
  return here.size === 0
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? null
  } catch {
    return null
  }
}

function npmCi(root) {
  const [program, ...first] = npmCommand(process.env.npm_execpath)
  // These override npm's settings in files and in the environment: https://docs.npmjs.com/cli/using-npm/config
  const options = [
    // Also if NODE_ENV is production: the build and the pinned Node need these.
    '--include=dev',
    '--include=optional',
    // Install in this folder, exactly as in package-lock.json.
    '--install-strategy=hoisted',
    '--bin-links=true',
    '--package-lock=true',
    '--package-lock-only=false',
    '--global=false',
    '--location=project',
    '--dry-run=false',
    // npm 10 would run them, npm 11 does not. None is needed, and one downloads engines that this project does not use.
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--loglevel=error',
  ]
  const { status, error } = spawnSync(program, [...first, 'ci', ...options], { cwd: root, stdio: 'inherit' })
  if (error) throw new CannotInstall(`cannot run npm: ${error.message}`)
  if (status !== 0) throw new CannotInstall('npm ci could not install the packages; see its output above.')
}

/** The command for the npm that runs this process; without one, the npm on PATH. */
export function npmCommand(execPath) {
  return execPath && basename(execPath).startsWith('npm') ? [process.execPath, execPath] : ['npm']
}

/** Node's major version that the project needs. */
const wantedMajor = 26

/** The Node that npm installed. npm puts it first on the PATH of scripts. */
const pinnedNode = root => join(root, 'node_modules', '.bin', 'node')

/** The Node that runs programs: the pinned one, or the Node of this process if the pinned one does not start. */
export const nodeToUse = root => (pinnedNodeError(root) === null ? pinnedNode(root) : process.execPath)

/**
 * The requirements that are missing to run a Node that is new enough: usually none. `version` is the version of this process's
 * Node. If that is new enough, the pinned one need not start: command.sh then uses this one.
 * @throws CannotInstall
 */
export function missingForNode(root, version = process.versions.node) {
  if (isNewEnough(version)) return []
  if (!existsSync(pinnedNode(root)))
    throw new CannotInstall(
      `npm has no Node ${wantedMajor} for ${process.platform} ${process.arch}, or could not fetch it: ` +
        `install Node ${wantedMajor} or later (https://nodejs.org) and run this again.`,
    )
  const error = pinnedNodeError(root)
  return error === null ? [] : missingLibrary(error)
}

/** Why the pinned Node does not start; null if it starts. */
function pinnedNodeError(root) {
  const path = pinnedNode(root)
  if (!existsSync(path)) return 'it does not exist'
  if (realpathSync(path) === process.execPath) return null // this process runs on it
  const { status, stderr, error } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return status === 0 ? null : `${error?.message ?? ''}${stderr ?? ''}`
}

/** The requirement that Node's error message is about. Debian's minimal images have no libatomic. @throws CannotInstall */
export function missingLibrary(error) {
  if (error.includes('libatomic.so.1')) return ['libatomic']
  throw new CannotInstall(
    `Node ${wantedMajor}, which npm installed, does not start on this machine: ${error.trim() || 'no reason given'}\n` +
      `It needs glibc. On systems without it, for example Alpine and NixOS, install Node ${wantedMajor} or later with the system's package manager, and ` +
      'run this again.',
  )
}

const isNewEnough = version => Number(version.split('.')[0]) >= wantedMajor

/** Generates prisma/client, unless this version of Prisma has generated it from this schema. Needs no network. */
export function generateClient(root) {
  if (isGenerated(root)) return
  withInstallLock(root, () => {
    if (isGenerated(root)) return
    console.log('Generating the database client …')
    runPrisma(root)
    mkdirSync(dirname(stampOf(root)), { recursive: true })
    writeFileSync(stampOf(root), sourceHash(root))
  })
}

const stampOf = root => join(root, 'node_modules', '.cache', 'balance-board', 'prisma-client')

function isGenerated(root) {
  const client = join(root, 'prisma', 'client', 'client.ts')
  return (
    existsSync(client) &&
    existsSync(stampOf(root)) &&
    readFileSync(stampOf(root), 'utf8') === sourceHash(root)
  )
}

/** A hash of the client's sources: the schema and Prisma's version. */
function sourceHash(root) {
  const schema = readFileSync(join(root, 'prisma', 'schema.prisma'))
  const prisma = readFileSync(join(root, 'node_modules', 'prisma', 'package.json'))
  return createHash('sha256').update(schema).update(prisma).digest('hex')
}

function runPrisma(root) {
  const prisma = join(root, 'node_modules', 'prisma', 'build', 'index.js')
  const env = {
    ...process.env,
    // The engine is not needed, but the CLI downloads it unless this names an existing file.
    PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? join(root, 'package.json'),
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  }
  const { status, stdout, stderr } = spawnSync(nodeToUse(root), [prisma, 'generate'], {
    cwd: root,
    env,
    encoding: 'utf8',
  })
  if (status !== 0) throw new CannotInstall(`prisma generate failed:\n${stdout}${stderr}`)
}

/**
 * Runs `work` while no other start of the same checkout installs; waits for the other start, unless it was killed. The lock is in
 * the checkout, where `work` writes too, but outside node_modules, which `work` may remove.
 * @public for the test, which loads this module in other processes
 * @throws CannotInstall if this user cannot write in the checkout
 */
export function withInstallLock(root, work) {
  const lock = join(root, '.install-lock')
  for (let printed = false; !take(lock); pause(200)) {
    if (isAlive(holderOf(lock))) {
      if (!printed) console.log('Waiting for another start, which installs the same …')
      printed = true
    } else {
      removeStale(lock)
    }
  }
  const release = () => rmSync(lock, { force: true })
  process.once('exit', release)
  try {
    work()
  } finally {
    release()
    process.off('exit', release)
  }
}

/** Links a complete file: a lock that is created first and written later could be read while it is empty. */
function take(lock) {
  const own = `${lock}.${process.pid}`
  try {
    writeFileSync(own, identityOf(process.pid))
    linkSync(own, lock)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw new CannotInstall(`this user cannot install packages in this folder: ${error.message}`)
  } finally {
    rmSync(own, { force: true })
  }
}

/** Removes the lock of a dead holder, under a second lock: another start may have removed it already and hold the lock now. */
function removeStale(lock) {
  const removal = `${lock}-removal`
  if (!take(removal)) {
    if (!isAlive(holderOf(removal))) rmSync(removal, { force: true })
    return
  }
  try {
    if (!isAlive(holderOf(lock))) rmSync(lock, { force: true })
  } finally {
    rmSync(removal, { force: true })
  }
}

/** Returns '' if the lock is gone. */
function holderOf(lock) {
  try {
    return readFileSync(lock, 'utf8')
  } catch {
    return ''
  }
}

/** A process's id and, on Linux, its start time: another process can get the same id later. */
function identityOf(pid) {
  try {
    // The name in parentheses may contain spaces. The start time is the 20th value after it. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const values = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ')
    return `${pid} ${values[19]}`
  } catch {
    return `${pid}`
  }
}

function isAlive(holder) {
  const pid = Number(holder.split(' ')[0])
  if (!pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error.code !== 'EPERM') return false
  }
  return identityOf(pid) === holder
}

const pause = ms => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
