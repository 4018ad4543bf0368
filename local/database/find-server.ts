import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

export type Flavour = 'MariaDB' | 'MySQL'

/** A database server program on this machine. */
export type DatabaseServer = { path: string; flavour: Flavour; version: string }

// Where packages put a server that is not on everybody's PATH: Debian, Red Hat, Oracle's own, Homebrew.
const usualFolders = [
  '/usr/sbin',
  '/usr/libexec',
  '/usr/local/sbin',
  '/usr/local/libexec',
  '/usr/local/mysql/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/mariadb/bin',
  '/opt/homebrew/opt/mysql/bin',
  '/usr/local/opt/mariadb/bin',
  '/usr/local/opt/mysql/bin',
]

/** The first `mariadbd`, else the first `mysqld`, that runs and says its version; null = none on this machine. */
export async function findDatabaseServer(
  searchPath = process.env.PATH ?? '',
): Promise<DatabaseServer | null> {
  for (const name of ['mariadbd', 'mysqld']) {
    for (const path of await findProgram(name, searchPath)) {
      const server = await describe(path)
      if (server) return server
    }
  }
  return null
}

/** Where `mariadb-install-db`, which makes MariaDB's first files, stands; null = not installed. */
export async function findInstaller(server: DatabaseServer): Promise<string | null> {
  const beside = join(dirname(server.path), '..', 'bin')
  const searchPath = [beside, dirname(server.path), process.env.PATH ?? '', '/usr/bin'].join(delimiter)
  const [found] = await findProgram('mariadb-install-db', searchPath)
  return found ?? null
}

async function findProgram(name: string, searchPath: string): Promise<string[]> {
  const folders = [...searchPath.split(delimiter).filter(Boolean), ...usualFolders]
  const paths = [...new Set(folders)].map(folder => join(folder, name))
  const found = await Promise.all(
    paths.map(path =>
      access(path, constants.X_OK).then(
        () => path,
        () => null,
      ),
    ),
  )
  return found.filter(path => path !== null)
}

async function describe(path: string): Promise<DatabaseServer | null> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--no-defaults', '--version'])
    return parseVersion(path, stdout)
  } catch {
    return null // there, but of no use here: built for another machine, a library missing
  }
}

/** Reads "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu" and "mysqld  Ver 9.7.4-2 for Linux". */
export function parseVersion(path: string, text: string): DatabaseServer | null {
  const version = /\bVer (\d+\.\d+\.\d+)/.exec(text)?.[1]
  return version ? { path, flavour: /mariadb/i.test(text) ? 'MariaDB' : 'MySQL', version } : null
}
