import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CannotInstall, findProgram } from './programs.mjs'

/** The requirements, as messages name them. */
const requirementNames = {
  libatomic: 'the library libatomic, which Node needs',
  nginx: 'NGINX',
  database: 'a MariaDB or MySQL server',
  browser: 'Chromium',
  firefox: 'a recent Firefox',
  faketime: 'faketime',
  dump: 'mariadb-dump or mysqldump',
  webp: 'img2webp',
  wrk: 'wrk',
  prometheus: 'Prometheus',
  alertmanager: 'Alertmanager',
  'nginx-exporter': 'the NGINX exporter of Prometheus',
  keepalived: 'keepalived',
  iproute2: 'ip, of iproute2',
  curl: 'curl',
  galera: 'MariaDB with Galera',
  haproxy: 'HAProxy',
  flask: "Flask behind gunicorn, for the system's Python",
}

/** Packages of each requirement, by package manager: a list of alternatives, best first. */
const packages = {
  'apt-get': {
    libatomic: [['libatomic1']],
    nginx: [['nginx']],
    // The server and the script that creates its first files, without the package that runs it as a service.
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
    prometheus: [['prometheus']],
    alertmanager: [['prometheus-alertmanager']],
    'nginx-exporter': [['prometheus-nginx-exporter']],
    keepalived: [['keepalived']],
    iproute2: [['iproute2']],
    curl: [['curl']],
    // With the scripts that copy a node's data, which need rsync.
    galera: [['mariadb-server', 'galera-4', 'rsync']],
    haproxy: [['haproxy']],
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

const managers = Object.keys(packages)

const script = fileURLToPath(new URL('./apt-install.sh', import.meta.url))

/** Installs `missing` with apt-get. @throws CannotInstall, with the command to run, without apt-get or permission */
export function installPrograms(missing) {
  if (missing.length === 0) return
  const wanted = missing.map(name => requirementNames[name]).join(', ')
  const privilege = privilegeOf()
  if (!findProgram('apt-get') || !privilege) throw new CannotInstall(howTo(wanted, missing))
  updateApt(privilege)
  const names = aptNames(missing)
  if (!names) throw new CannotInstall(howTo(wanted, missing))
  console.log(`Installing ${wanted} with apt-get: ${names.join(' ')} …`)
  aptInstall(names, privilege)
}

/** Installs optional requirements. If that is impossible, prints what to do. */
export function installIfPossible(missing) {
  try {
    installPrograms(missing)
  } catch (error) {
    if (!(error instanceof CannotInstall)) throw error
    console.error(error.message)
  }
}

const aptNames = missing => packagesOf('apt-get', missing, knownToApt(candidatesOf('apt-get', missing)))

/** The words before a command that run it as root; null if that takes a password. */
function privilegeOf() {
  if (isRoot()) return []
  const sudo = findProgram('sudo')
  const may = sudo && spawnSync(sudo, ['-n', 'true'], { stdio: 'ignore' }).status === 0
  return may ? [sudo, '-n', ...withProxies(process.env)] : null
}

const isRoot = () => process.getuid?.() === 0

function howTo(wanted, missing) {
  const manager = managers.find(name => findProgram(name))
  const names = manager ? packagesOf(manager, missing) : null
  const browserAlone = missing.length === 1 && missing[0] === 'browser'
  const command = browserAlone
    ? 'npx playwright install --with-deps chromium'
    : names
      ? installCommand(manager, names, isRoot())
      : null
  return command
    ? `Missing: ${wanted}. Run this once, then start again:\n    ${command}`
    : `Missing: ${wanted}. Install this with the system's package manager, then start again.`
}

/**
 * The packages of `missing` for `manager`; null if it has none for one of them. `isKnown` says whether the manager has a package
 * of that name.
 * @param {string} manager
 * @param {string[]} missing
 * @param {(name: string) => boolean} isKnown
 */
export function packagesOf(manager, missing, isKnown = () => true) {
  const chosen = missing.map(name => packages[manager][name]?.find(names => names.every(isKnown)))
  return chosen.every(Boolean) ? chosen.flat() : null
}

/** All package names that `packagesOf` chooses from. */
export const candidatesOf = (manager, missing) =>
  missing.flatMap(name => packages[manager][name] ?? []).flat()

/** The command that installs `names`. */
export function installCommand(manager, names, isRoot) {
  const asRoot = isRoot || manager === 'brew' ? '' : 'sudo '
  return `${asRoot}${commands[manager]} ${names.join(' ')}`
}

/** Returns a function that says whether apt can install a package. `names` are the packages in question. */
function knownToApt(names) {
  const { stdout } = spawnSync('apt-cache', ['policy', ...names], { encoding: 'utf8', env: plainEnglish })
  const known = parseAptPolicy(stdout ?? '')
  return name => known.has(name)
}

/** Updates the package lists: an image may have none, or old ones that lack its security updates. If it fails, the old ones may do. */
function updateApt(privilege) {
  run([...privilege, 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120', 'update'])
}

/** Installs `names`. @throws CannotInstall with the last lines of apt's output */
function aptInstall(names, privilege) {
  const result = run([...privilege, 'sh', script, ...names])
  if (result.status === 0) return
  throw new CannotInstall(`apt-get could not install ${names.join(' ')}:\n${lastLines(result)}`)
}

/** Parses the output of `apt-cache policy`. @returns the packages that have a candidate */
export function parseAptPolicy(text) {
  const known = new Set()
  let name = ''
  for (const line of text.split('\n')) {
    const heading = /^(\S+):$/.exec(line)
    if (heading) name = heading[1].replace(/:\w+$/, '')
    else if (/^ {2}Candidate: (?!\(none\))/.test(line)) known.add(name)
  }
  return known
}

function run([program, ...options]) {
  return spawnSync(program, options, { encoding: 'utf8', env: plainEnglish, maxBuffer: 64 * 1024 * 1024 })
}

/** The variables from which apt reads proxies: https://manpages.debian.org/apt-transport-http */
const proxyNames = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy']

/** The proxies of an environment, with the lower-case names that apt reads. */
export function proxiesOf(environment) {
  const found = proxyNames.map(name => [name, environment[name] || environment[name.toUpperCase()]])
  return Object.fromEntries(found.filter(([, value]) => value))
}

/** The words before a command that give it the proxies of `environment`: sudo removes them. */
export function withProxies(environment) {
  const settings = Object.entries(proxiesOf(environment)).map(([name, value]) => `${name}=${value}`)
  return settings.length > 0 ? ['env', ...settings] : []
}

const plainEnglish = { ...process.env, ...proxiesOf(process.env), LC_ALL: 'C.UTF-8' }

const lastLines = ({ stdout, stderr }) => `${stdout}${stderr}`.trimEnd().split('\n').slice(-8).join('\n')
