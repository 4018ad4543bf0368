import { execFile } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findPrograms } from '../../install/programs.mjs'

export type Flavour = 'MariaDB' | 'MySQL'

/** A database server program on this machine. */
export type DatabaseServer = { path: string; flavour: Flavour; version: string }

/** The first `mariadbd`, else the first `mysqld`, that runs and says its version; null = none on this machine. */
export async function findDatabaseServer(
  searchPath = process.env.PATH ?? '',
): Promise<DatabaseServer | null> {
  for (const name of ['mariadbd', 'mysqld']) {
    for (const path of findPrograms(name, searchPath)) {
      const server = await describe(path)
      if (server) return server
    }
  }
  return null
}

/** Where `mariadb-install-db`, which makes MariaDB's first files, stands; null = not installed. */
export function findInstaller(server: DatabaseServer): string | null {
  const beside = join(dirname(server.path), '..', 'bin')
  const searchPath = [beside, dirname(server.path), process.env.PATH ?? ''].join(delimiter)
  return findPrograms('mariadb-install-db', searchPath)[0] ?? null
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
