import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { connectionsPerReplica } from '../../../web/server/db/pools.ts'
import { findPrograms } from '../../install/programs.mjs'
import type { Home } from './home.ts'

type Flavour = 'MariaDB' | 'MySQL'

/** A database server program on this machine. */
export type DatabaseServer = { path: string; flavour: Flavour; version: string }

/** The first `mariadbd`, else the first `mysqld`, that runs and prints its version; null if there is none on this machine. */
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

/** The path of `mariadb-install-db`, which creates MariaDB's first files; null if it is not installed. */
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
    return null // does not run here: built for another machine, or a library is missing
  }
}

/** Parses "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu" and "mysqld  Ver 9.7.4-2 for Linux". */
export function parseVersion(path: string, text: string): DatabaseServer | null {
  const version = /\bVer (\d+\.\d+\.\d+)/.exec(text)?.[1]
  return version ? { path, flavour: /mariadb/i.test(text) ? 'MariaDB' : 'MySQL', version } : null
}

/** How much memory and disk the server takes. `small` is for tests, which run many servers on one machine. */
export type Size = 'normal' | 'small'

/** Maximum replicas, for which the database has enough connections. */
export const mostReplicas = 50

/** Connections for the launcher, people and tests. */
const otherConnections = 50

/** Two PEM files with which the server also accepts encrypted connections. */
export type Tls = { certificate: string; key: string }

/** Returns null for a user id without a name, for example in a container that runs as an arbitrary user. */
export function userName(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}

/** Options for the first start and for running. The machine's option files are not read. */
export function commonArguments(files: string, temporary: string, size: Size): string[] {
  return [
    '--no-defaults',
    // As root the server runs only with this option.
    ...(process.getuid?.() === 0 ? [`--user=${userName() ?? 0}`] : []),
    `--datadir=${files}`,
    `--tmpdir=${temporary}`,
    `--innodb-buffer-pool-size=${size === 'small' ? '64M' : '256M'}`,
    '--character-set-server=ascii',
    '--collation-server=ascii_bin',
  ]
}

/** The server listens only on 127.0.0.1 and its socket. Commits are durable, as by default. */
export function serverArguments(
  server: DatabaseServer,
  at: { home: Home; port: number; socket: string; size: Size; tls?: Tls | undefined },
): string[] {
  return [
    ...commonArguments(at.home.files, at.home.temporary, at.size),
    '--bind-address=127.0.0.1',
    `--port=${at.port}`,
    `--socket=${at.socket}`,
    `--pid-file=${at.home.pid}`,
    `--init-file=${at.home.accounts}`,
    '--skip-name-resolve',
    '--performance-schema=OFF',
    `--max-connections=${mostReplicas * connectionsPerReplica + otherConnections}`,
    // A private database has no replication: a binary log would only cost a second fsync per commit.
    ...(server.flavour === 'MySQL' ? ['--disable-log-bin', '--mysqlx=OFF'] : []),
    ...(at.size === 'small' ? [smallLog(server)] : []),
    ...(at.tls ? [`--ssl-cert=${at.tls.certificate}`, `--ssl-key=${at.tls.key}`] : []),
  ]
}

const smallLog = (server: DatabaseServer) =>
  server.flavour === 'MySQL' ? '--innodb-redo-log-capacity=16M' : '--innodb-log-file-size=16M'
