import { userInfo } from 'node:os'
import { connectionsPerReplica } from '../../../web/server/db/pools.ts'
import type { DatabaseServer } from './find-server.ts'
import type { Home } from './home.ts'

/** How much memory and disk the server takes: `small` is for tests, where many run on one machine. */
export type Size = 'normal' | 'small'

/** Replicas that a database of this machine has connections for. */
export const mostReplicas = 50

/** Connections for everybody else: the launcher, people, tests. */
const otherConnections = 50

/** Two PEM files: with them the server also takes encrypted connections. */
export type Tls = { certificate: string; key: string }

/** What initialising and running have in common. No option file of the machine is read. */
export function commonArguments(files: string, temporary: string, size: Size): string[] {
  return [
    '--no-defaults',
    // A server refuses to run as root unless told so in words.
    ...(process.getuid?.() === 0 ? [`--user=${userInfo().username}`] : []),
    `--datadir=${files}`,
    `--tmpdir=${temporary}`,
    `--innodb-buffer-pool-size=${size === 'small' ? '64M' : '256M'}`,
    '--character-set-server=ascii',
    '--collation-server=ascii_bin',
  ]
}

/** A server for this machine alone, on 127.0.0.1 and its socket; commits are durable, as by default. */
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
    // Nobody replicates from a private database, so a binary log would only cost a second fsync a commit.
    ...(server.flavour === 'MySQL' ? ['--disable-log-bin', '--mysqlx=OFF'] : []),
    ...(at.size === 'small' ? [smallLog(server)] : []),
    ...(at.tls ? [`--ssl-cert=${at.tls.certificate}`, `--ssl-key=${at.tls.key}`] : []),
  ]
}

const smallLog = (server: DatabaseServer) =>
  server.flavour === 'MySQL' ? '--innodb-redo-log-capacity=16M' : '--innodb-log-file-size=16M'
