import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CannotInstall } from './cannot-install.mjs'
import { alone } from './one-at-a-time.mjs'

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
  return wanted !== null && installed !== null && isInstalled(wanted, installed)
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
  const options = [
    // Whatever NODE_ENV says: the build and the pinned Node are among these.
    '--include=dev',
    '--include=optional',
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
