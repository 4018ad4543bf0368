import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

// Where packages put programs that are not on everybody's PATH: Debian, Red Hat, Oracle's own, Homebrew.
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
 * Where a program of that name is: on the search path first, then in the usual folders.
 * @param {string} name
 * @param {string} [searchPath] default: PATH
 * @returns {string[]} absolute paths, the best first; none = it is not on this machine
 */
export function findPrograms(name, searchPath = process.env.PATH ?? '') {
  const folders = [...searchPath.split(delimiter).filter(Boolean), ...usualFolders]
  return [...new Set(folders)].map(folder => resolve(folder, name)).filter(isExecutable)
}

/**
 * The path of a program, null if it is not on this machine.
 * @param {string} name
 * @returns {string | null}
 */
export function findProgram(name) {
  return findPrograms(name)[0] ?? null
}

/**
 * What of the stack is not on this machine: of "nginx", "database" and, for tests, "browser" (a Chromium), "firefox",
 * "faketime" and "dump"; for pictures, "webp".
 */
export function missingPrograms(root, { tests, pictures = false, find = findProgram }) {
  const missing = []
  if (!find('nginx')) missing.push('nginx')
  if (!hasDatabase(find)) missing.push('database')
  if (tests && !hasBrowser(root, find)) missing.push('browser')
  if (tests && !(find('firefox-esr') ?? find('firefox'))) missing.push('firefox')
  if (tests && !find('faketime')) missing.push('faketime')
  if (tests && !(find('mariadb-dump') ?? find('mysqldump'))) missing.push('dump')
  if (pictures && !find('img2webp')) missing.push('webp')
  return missing
}

/** What is not on this machine and can be done without: faults that need it are not tried, and the run says so. */
export function missingHelpers({ faults, find = findProgram }) {
  return faults && !find('faketime') ? ['faketime'] : []
}

/** MariaDB makes its first files with a script, which needs two programs that Debian ships apart. MySQL needs none. */
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

/** A folder is not: where PATH has a dot, `nginx` would be one of this project. */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** What of the bench is not on this machine: of "wrk", which makes its load, and "flask", one of its contenders. */
export function missingBenchPrograms({ find = findProgram, imports = pythonImports } = {}) {
  const missing = []
  if (!find('wrk')) missing.push('wrk')
  if (!imports('flask', 'gunicorn', 'MySQLdb')) missing.push('flask')
  return missing
}

/** The system's own Python, whatever else is on the path: the packages are for that one. */
function pythonImports(...modules) {
  return (
    spawnSync('/usr/bin/python3', ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0
  )
}

/** Something is missing that only the person can see to; the message says what and how. */
export class CannotInstall extends Error {}
