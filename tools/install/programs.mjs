import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

/** A requirement is missing and cannot be installed here. The message says what to do. */
export class CannotInstall extends Error {}

// Folders of programs that PATH may lack: Debian, Red Hat, Oracle's packages, Homebrew.
const usualFolders = [
  '/usr/sbin',
  '/usr/bin',
  '/usr/libexec',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/local/libexec',
  '/usr/local/mysql/bin',
  '/usr/local/nginx/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/mariadb/bin',
  '/opt/homebrew/opt/mysql/bin',
  '/usr/local/opt/mariadb/bin',
  '/usr/local/opt/mysql/bin',
  '/Applications/Firefox.app/Contents/MacOS',
]

/**
 * Finds a program on the search path and in the usual folders.
 * @param {string} name
 * @param {string} [searchPath] default: PATH
 * @returns {string[]} absolute paths, best first; empty if this machine does not have it
 */
export function findPrograms(name, searchPath = process.env.PATH ?? '') {
  const folders = [...searchPath.split(delimiter).filter(Boolean), ...usualFolders]
  return [...new Set(folders)].map(folder => resolve(folder, name)).filter(isExecutable)
}

/**
 * The path of a program; null if this machine does not have it.
 * @param {string} name
 * @returns {string | null}
 */
export function findProgram(name) {
  return findPrograms(name)[0] ?? null
}

/**
 * The requirements that this machine lacks: of "nginx", "database" and, for tests, "browser" (a Chromium), "firefox" (also if it is
 * too old), "faketime" and "dump"; for pictures, "webp".
 */
export function missingPrograms(
  root,
  { tests, pictures = false, find = findProgram, firefox = findFirefox },
) {
  const missing = []
  if (!find('nginx')) missing.push('nginx')
  if (!hasDatabase(find)) missing.push('database')
  if (tests && !hasBrowser(root, find)) missing.push('browser')
  if (tests && !firefox()) missing.push('firefox')
  if (tests && !find('faketime')) missing.push('faketime')
  if (tests && !(find('mariadb-dump') ?? find('mysqldump'))) missing.push('dump')
  if (pictures && !find('img2webp')) missing.push('webp')
  return missing
}

/** The oldest Firefox that the browser tests have run with. In 140 Puppeteer cannot set the size of a window. */
const oldestFirefox = 153

/**
 * The path of a Firefox that the browser tests can use; null if this machine has none, or only older ones.
 * @param {(name: string) => string[]} find
 * @param {(program: string) => string} versionOf the output of `firefox --version`
 * @returns {string | null}
 */
export function findFirefox(find = findPrograms, versionOf = printedVersion) {
  const isRecent = program => Number(/Firefox (\d+)\./.exec(versionOf(program))?.[1]) >= oldestFirefox
  return [...find('firefox-esr'), ...find('firefox')].find(isRecent) ?? null
}

const printedVersion = program => spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? ''

/** Missing requirements that are optional: the fault run skips the faults that need them, and says so. */
export function missingOptionalPrograms({ faults, find = findProgram }) {
  return faults && !find('faketime') ? ['faketime'] : []
}

/**
 * The requirements of `npm run monitoring` that this machine lacks. The names are Debian's, then those of the authors, which
 * Homebrew has too.
 */
export function missingMonitoringPrograms({ find = findProgram } = {}) {
  const missing = []
  if (!find('prometheus') || !find('promtool')) missing.push('prometheus')
  if (!(find('prometheus-alertmanager') ?? find('alertmanager'))) missing.push('alertmanager')
  if (!(find('prometheus-nginx-exporter') ?? find('nginx-prometheus-exporter')))
    missing.push('nginx-exporter')
  return missing
}

/** The requirements of `npm run test:failover` that this machine lacks: of "keepalived", "iproute2" and "curl". */
export function missingFailoverPrograms({ find = findProgram } = {}) {
  const programs = { keepalived: 'keepalived', ip: 'iproute2', curl: 'curl' }
  return Object.entries(programs).flatMap(([program, requirement]) => (find(program) ? [] : [requirement]))
}

/** The requirements of `npm run test:cluster` that this machine lacks: MariaDB's part for clusters, and a proxy that fails over. */
export function missingClusterPrograms({ find = findProgram } = {}) {
  const missing = []
  if (!find('mariadbd') || !find('wsrep_sst_rsync') || !find('rsync')) missing.push('galera')
  if (!find('haproxy')) missing.push('haproxy')
  return missing
}

/** MariaDB creates its first files with a script. It needs two programs that Debian has in another package. MySQL needs no script. */
function hasDatabase(find) {
  if (find('mariadbd')) return Boolean(find('mariadb-install-db') && find('my_print_defaults'))
  return Boolean(find('mysqld'))
}

function hasBrowser(root, find) {
  return Boolean(find('chromium') ?? find('google-chrome')) || hasPlaywrightChromium(root)
}

/** Source: https://playwright.dev/docs/browsers#managing-browser-binaries */
function hasPlaywrightChromium(root) {
  const set = process.env.PLAYWRIGHT_BROWSERS_PATH
  const usual = process.platform === 'darwin' ? 'Library/Caches/ms-playwright' : '.cache/ms-playwright'
  const inPackage = join(root, 'node_modules', 'playwright-core', '.local-browsers')
  const folder = set === '0' ? inPackage : (set ?? join(process.env.HOME ?? '', usual))
  return existsSync(folder) && readdirSync(folder).some(name => name.startsWith('chromium-'))
}

/** A folder is not a program: with a dot in PATH, `nginx` would be this project's folder. */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** The bench's requirements that this machine lacks: of "wrk", which generates load, and "flask", a contender. */
export function missingBenchPrograms({ find = findProgram, imports = pythonImports } = {}) {
  const missing = []
  if (!find('wrk')) missing.push('wrk')
  if (!imports('flask', 'gunicorn', 'MySQLdb')) missing.push('flask')
  return missing
}

/** Always the system's Python: the packages are for that Python, not for another on PATH. */
function pythonImports(...modules) {
  return (
    spawnSync('/usr/bin/python3', ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0
  )
}
