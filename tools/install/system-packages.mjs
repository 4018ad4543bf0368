import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CannotInstall, findProgram } from './programs.mjs'

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
  const may = sudo && spawnSync(sudo, ['-n', 'true'], { stdio: 'ignore' }).status === 0
  return may ? [sudo, '-n', ...withProxies(process.env)] : null
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

/** What provides each part: by package manager, a list of alternatives, the first the manager knows being taken. */
const packages = {
  'apt-get': {
    libatomic: [['libatomic1']],
    nginx: [['nginx']],
    // The server and the script that makes its first files, without the package that would run it as a service.
    database: [
      ['mariadb-server-core', 'mariadb-client-core'],
      ['mariadb-server-core-10.6', 'mariadb-client-core-10.6'],
      ['mariadb-server-core-10.5', 'mariadb-client-core-10.5'],
      ['mysql-server-core-8.0'],
    ],
    browser: [['chromium']],
    firefox: [['firefox-esr'], ['firefox']],
    faketime: [['faketime']],
    dump: [['mariadb-client'], ['mysql-client']],
    webp: [['webp']],
    wrk: [['wrk']],
    flask: [['python3-flask', 'gunicorn', 'python3-mysqldb']],
  },
  brew: {
    nginx: [['nginx']],
    database: [['mysql']],
    browser: [['--cask', 'chromium']],
    firefox: [['--cask', 'firefox']],
    faketime: [['libfaketime']],
    dump: [['mysql']],
    webp: [['webp']],
  },
  dnf: {
    libatomic: [['libatomic']],
    nginx: [['nginx']],
    database: [['mariadb-server']],
    browser: [['chromium']],
    firefox: [['firefox']],
    faketime: [['libfaketime']],
    dump: [['mariadb']],
    webp: [['libwebp-tools']],
  },
  pacman: {
    nginx: [['nginx']],
    database: [['mariadb']],
    browser: [['chromium']],
    firefox: [['firefox']],
    faketime: [['libfaketime']],
    dump: [['mariadb-clients']],
    webp: [['libwebp']],
  },
  zypper: {
    libatomic: [['libatomic1']],
    nginx: [['nginx']],
    database: [['mariadb']],
    browser: [['chromium']],
    firefox: [['MozillaFirefox']],
    faketime: [['libfaketime']],
    dump: [['mariadb-client']],
    webp: [['libwebp-tools']],
  },
}

const commands = {
  'apt-get': 'apt-get install -y --no-install-recommends',
  brew: 'brew install',
  dnf: 'dnf install -y',
  pacman: 'pacman -S --needed',
  zypper: 'zypper install -y',
}

/**
 * The packages of `parts` under `manager`; null where it has none for one of them. `isKnown` says whether the manager
 * has a package of that name.
 * @param {string} manager
 * @param {string[]} parts
 * @param {(name: string) => boolean} isKnown
 */
export function packagesOf(manager, parts, isKnown = () => true) {
  const chosen = parts.map(part => packages[manager][part]?.find(names => names.every(isKnown)))
  return chosen.every(Boolean) ? chosen.flat() : null
}

/** Every name `packagesOf` may choose from. */
export const candidatesOf = (manager, parts) => parts.flatMap(part => packages[manager][part] ?? []).flat()

/** The one command a person runs to install `names`. */
export function installCommand(manager, names, isRoot) {
  const asRoot = isRoot || manager === 'brew' ? '' : 'sudo '
  return `${asRoot}${commands[manager]} ${names.join(' ')}`
}

const managers = Object.keys(packages)

const script = fileURLToPath(new URL('./apt-install.sh', import.meta.url))

/** Asks apt which of `names` it can install; the answer says of a name whether it is one of them. */
function knownToApt(names) {
  const { stdout } = spawnSync('apt-cache', ['policy', ...names], { encoding: 'utf8', env: plainEnglish })
  const known = candidatesIn(stdout ?? '')
  return name => known.has(name)
}

/** Reads the package lists anew; a minimal image comes without any. `privilege` makes a command run as root. */
function updateApt(privilege) {
  run([...privilege, 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120', 'update'])
}

/** Installs `names`. Throws CannotInstall with what apt said last. */
function aptInstall(names, privilege) {
  const first = install(names, privilege)
  if (first.status === 0) return
  updateApt(privilege) // the lists may be older than what the mirror still has
  const second = install(names, privilege)
  if (second.status === 0) return
  throw new CannotInstall(`apt-get could not install ${names.join(' ')}:\n${lastLines(second)}`)
}

/** Reads `apt-cache policy`: the names that have a candidate. */
export function candidatesIn(text) {
  const known = new Set()
  let name = ''
  for (const line of text.split('\n')) {
    const heading = /^(\S+):$/.exec(line)
    if (heading) name = heading[1].replace(/:\w+$/, '')
    else if (/^ {2}Candidate: (?!\(none\))/.test(line)) known.add(name)
  }
  return known
}

const install = (names, privilege) => run([...privilege, 'sh', script, ...names])

function run([program, ...options]) {
  return spawnSync(program, options, { encoding: 'utf8', env: plainEnglish, maxBuffer: 64 * 1024 * 1024 })
}

/** Names of the variables that apt reads a proxy from: https://manpages.debian.org/apt-transport-http */
const proxyNames = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy']

/** The proxies of an environment, by the names that apt knows, which are in lower case. */
export function proxiesOf(environment) {
  const found = proxyNames.map(name => [name, environment[name] || environment[name.toUpperCase()]])
  return Object.fromEntries(found.filter(([, value]) => value))
}

/** What to put before a command so that it has the proxies of `environment`: sudo takes them away. */
export function withProxies(environment) {
  const settings = Object.entries(proxiesOf(environment)).map(([name, value]) => `${name}=${value}`)
  return settings.length > 0 ? ['env', ...settings] : []
}

const plainEnglish = { ...process.env, ...proxiesOf(process.env), LC_ALL: 'C.UTF-8' }

const lastLines = ({ stdout, stderr }) => `${stdout}${stderr}`.trimEnd().split('\n').slice(-8).join('\n')
