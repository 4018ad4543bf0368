import { spawnSync } from 'node:child_process'
import { aptInstall, knownToApt, updateApt } from './apt.mjs'
import { CannotInstall } from './cannot-install.mjs'
import { candidatesOf, installCommand, managers, packagesOf } from './package-names.mjs'
import { findProgram } from './programs.mjs'

const partNames = {
  libatomic: 'the library libatomic, which Node needs',
  nginx: 'NGINX',
  database: 'a MariaDB or MySQL server',
  browser: 'Chromium',
  firefox: 'Firefox',
  faketime: 'faketime',
  dump: 'mariadb-dump or mysqldump',
  webp: 'img2webp',
  wrk: 'wrk',
  flask: "Flask behind gunicorn, for the system's Python",
}

/** Installs `parts` where this user may and apt-get is there; else throws CannotInstall with the command to run. */
export function installPrograms(parts) {
  if (parts.length === 0) return
  const wanted = parts.map(part => partNames[part]).join(', ')
  const privilege = privilegeOf()
  if (!findProgram('apt-get') || !privilege) throw new CannotInstall(howTo(wanted, parts))
  if (!aptNames(parts)) updateApt(privilege)
  const names = aptNames(parts)
  if (!names) throw new CannotInstall(howTo(wanted, parts))
  console.log(`Installing ${wanted} with apt-get: ${names.join(' ')} …`)
  aptInstall(names, privilege)
}

/** The same for parts that can be done without: where they cannot be installed, it says how a person can. */
export function installIfPossible(parts) {
  try {
    installPrograms(parts)
  } catch (error) {
    if (!(error instanceof CannotInstall)) throw error
    console.error(error.message)
  }
}

const aptNames = parts => packagesOf('apt-get', parts, knownToApt(candidatesOf('apt-get', parts)))

/** What to put before a command so that it runs as root, or null where that takes a password. */
function privilegeOf() {
  if (isRoot()) return []
  const sudo = findProgram('sudo')
  return sudo && spawnSync(sudo, ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? [sudo, '-n'] : null
}

const isRoot = () => process.getuid?.() === 0

function howTo(wanted, parts) {
  const manager = managers.find(name => findProgram(name))
  const names = manager ? packagesOf(manager, parts) : null
  const browserAlone = parts.length === 1 && parts[0] === 'browser'
  const command = browserAlone
    ? 'npx playwright install --with-deps chromium'
    : names
      ? installCommand(manager, names, isRoot())
      : null
  return command
    ? `Missing: ${wanted}. Run this once, then start again:\n    ${command}`
    : `Missing: ${wanted}. Install this with the system's package manager, then start again.`
}
