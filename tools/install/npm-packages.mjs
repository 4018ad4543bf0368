import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { alone } from './one-at-a-time.mjs'
import { CannotInstall } from './programs.mjs'

/** Installs what package-lock.json names, unless it stands in node_modules already. */
export function installNpmPackages(root) {
  if (packagesAreInstalled(root)) return
  alone(root, () => {
    if (packagesAreInstalled(root)) return // another start has just done it
    console.log('Installing the npm packages …')
    npmCi(root)
  })
}

function packagesAreInstalled(root) {
  const wanted = readPackages(join(root, 'package-lock.json'))
  // npm writes this file last, so an install that was cut short has none.
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'))
  return (
    wanted !== null &&
    installed !== null &&
    isInstalled(wanted, installed) &&
    commandsOf(installed).every(name => existsSync(join(root, 'node_modules', '.bin', name)))
  )
}

/** The commands that npm links for `installed`, the `packages` of a lock file: npm can be set to link none. */
export function commandsOf(installed) {
  const isOutermost = path => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path)
  return Object.entries(installed)
    .filter(([path]) => isOutermost(path))
    .flatMap(([, { bin = {} }]) => Object.keys(bin))
}

/**
 * Whether `installed` holds every package of `wanted` in its version, and no other. Optional ones may be absent: most
 * are for other machines. Both are the `packages` of a lock file. By content: a checkout changes times.
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
  // Whatever the settings of npm say, in its files and in the environment: https://docs.npmjs.com/cli/using-npm/config
  const options = [
    // Also where NODE_ENV is production: the build and the pinned Node are among these.
    '--include=dev',
    '--include=optional',
    // As package-lock.json has them, in this folder, and for real.
    '--install-strategy=hoisted',
    '--bin-links=true',
    '--package-lock=true',
    '--package-lock-only=false',
    '--global=false',
    '--location=project',
    '--dry-run=false',
    // npm 10 would run them, npm 11 does not; none is needed, and one downloads engines we do not use.
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--loglevel=error',
  ]
  const { status, error } = spawnSync(program, [...first, 'ci', ...options], { cwd: root, stdio: 'inherit' })
  if (error) throw new CannotInstall(`npm could not be run: ${error.message}`)
  if (status !== 0) throw new CannotInstall('npm ci could not install the packages; what it said is above.')
}

/** The npm that runs us, under the Node it runs on; else the one on the PATH. */
export function npmCommand(execPath) {
  return execPath && basename(execPath).startsWith('npm') ? [process.execPath, execPath] : ['npm']
}

/** Node's major version the project is written for. */
const wantedMajor = 26

/** Where npm put the pinned Node; npm's scripts find it first. */
const pinnedNode = root => join(root, 'node_modules', '.bin', 'node')

/** The Node that runs programs: the pinned one. If that does not start, the one that runs this process. */
export const nodeToUse = root => (complaintOfPinned(root) === null ? pinnedNode(root) : process.execPath)

/**
 * What the machine needs to have a Node that is new enough: usually nothing. If the pinned one does not start, the one that
 * runs this process is enough if it is new enough (command.sh then uses it). `version` is the version of the latter.
 */
export function whatPinnedNodeLacks(root, version = process.versions.node) {
  if (!existsSync(pinnedNode(root))) return sayWithoutPinned(version)
  const complaint = complaintOfPinned(root)
  return complaint === null || isEnough(version) ? [] : lackIn(complaint)
}

/** Why the pinned Node does not start; null if it does. */
function complaintOfPinned(root) {
  const path = pinnedNode(root)
  if (!existsSync(path)) return 'it is not there'
  if (realpathSync(path) === process.execPath) return null // we run on it
  const { status, stderr, error } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return status === 0 ? null : `${error?.message ?? ''}${stderr ?? ''}`
}

/** Reads why Node did not start. Debian's minimal images have no libatomic. */
export function lackIn(complaint) {
  if (complaint.includes('libatomic.so.1')) return ['libatomic']
  throw new CannotInstall(
    `Node ${wantedMajor}, which npm installed, does not start on this machine: ${complaint.trim() || 'no reason given'}\n` +
      `It needs glibc: on Alpine, NixOS and the like install Node ${wantedMajor} or later with the system's package manager, and ` +
      'run this again.',
  )
}

const isEnough = version => Number(version.split('.')[0]) >= wantedMajor

function sayWithoutPinned(version) {
  if (isEnough(version)) return []
  throw new CannotInstall(
    `npm has no Node ${wantedMajor} for ${process.platform} ${process.arch}, or could not fetch it: ` +
      `install Node ${wantedMajor} or later (https://nodejs.org) and run this again.`,
  )
}

/** Has Prisma write prisma/client, unless it was made from this schema by this Prisma. Needs no network. */
export function generateClient(root) {
  if (isGenerated(root)) return
  alone(root, () => {
    if (isGenerated(root)) return
    console.log('Generating the database client …')
    runPrisma(root)
    mkdirSync(dirname(stampOf(root)), { recursive: true })
    writeFileSync(stampOf(root), sourceOf(root))
  })
}

const stampOf = root => join(root, 'node_modules', '.cache', 'balance-board', 'prisma-client')

function isGenerated(root) {
  const client = join(root, 'prisma', 'client', 'client.ts')
  return (
    existsSync(client) && existsSync(stampOf(root)) && readFileSync(stampOf(root), 'utf8') === sourceOf(root)
  )
}

/** What the client is made of: the schema, and Prisma's own version. */
function sourceOf(root) {
  const schema = readFileSync(join(root, 'prisma', 'schema.prisma'))
  const prisma = readFileSync(join(root, 'node_modules', 'prisma', 'package.json'))
  return createHash('sha256').update(schema).update(prisma).digest('hex')
}

function runPrisma(root) {
  const prisma = join(root, 'node_modules', 'prisma', 'build', 'index.js')
  const env = {
    ...process.env,
    // The engine is not used here, but the CLI downloads it unless this names a file that exists.
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
