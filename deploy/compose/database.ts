import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import {
  databaseName,
  mostConnections,
  ownerAccount,
  replicaAccount,
} from '../../tools/lib/database-accounts.ts'
import { connectionsPerReplica } from '../../web/server/db/pools.ts'
import { UserError } from '../../web/server/errors.ts'
import { attemptDocker, compose, DockerFailed, docker } from './docker.ts'
import type { ProjectLock } from './project-lock.ts'

/** Replicas for which the compose stack's database has enough connections. */
const mostReplicas = Math.floor(mostConnections[replicaAccount] / connectionsPerReplica)

/** A warning if old and new replicas of a roll together have too few connections; null if they have enough. */
export function rollWarning(replicas: number): string | null {
  if (2 * replicas <= mostReplicas) return null
  return (
    `${replicas} old and ${replicas} new replicas are more than the ${mostReplicas} that have all their connections to the ` +
    `database: page views may fail while both run. A roll of ${Math.floor(mostReplicas / 2)} fits`
  )
}

/**
 * Creates this version's passwords and accounts in the running database, as MySQL does at its start. So new replicas can sign in
 * without a restart of MySQL. If the replicas' password is another one now, old replicas keep theirs, as a second password, until
 * this runs again: https://dev.mysql.com/doc/refman/9.7/en/password-management.html#dual-passwords
 * In the stack of an earlier release root has the password of the account `board`.
 * @throws DockerFailed
 */
export async function applyAccounts({ compose }: Pick<ProjectLock, 'compose'>): Promise<void> {
  await compose('run', '--rm', '--no-deps', '-T', 'secrets')
  const retain = `/^ALTER USER '${replicaAccount}'.* IDENTIFIED BY/s/;$/ RETAIN CURRENT PASSWORD;/`
  const statements = `sed "${retain}" /run/secrets/accounts.sql`
  const asRoot = (file: string) => `MYSQL_PWD="$(cat /run/secrets/${file})" mysql --user root --batch`
  const script = ['root-password', 'database-password']
    .map(file => `${statements} | ${asRoot(file)}`)
    .join(' || ')
  await compose('exec', '-T', 'mysql', 'sh', '-c', script)
}

/**
 * Writes a dump of the running database, made by MySQL's own program in its container.
 * @throws DockerFailed if the stack with Docker does not run, UserError if the dump fails, the signal's reason
 */
export async function dumpInContainer(
  options: string[],
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  const mysql = await requireMysql()
  const program = `mysqldump --set-gtid-purged=OFF --user root ${options.join(' ')} ${databaseName}`
  const script = `MYSQL_PWD="$(cat /run/secrets/root-password)" exec ${program}`
  const { status, stderr } = await attemptDocker(['exec', mysql, 'sh', '-c', script], { output, signal })
  if (status !== 0) throw new UserError(`the dump failed: ${stderr.trim() || `exit status ${status}`}`)
}

/**
 * Restores a dump with the image of the running stack, also while its replicas run.
 * @param options the signal ends the restore in order, within its container
 * @returns what the restore says
 * @throws DockerFailed if the stack with Docker does not run, UserError if the restore refuses, fails or is ended
 */
export async function restoreInContainer(
  input: Readable,
  { replace, signal }: { replace: boolean; signal: AbortSignal },
): Promise<string> {
  await requireMysql()
  const name = `restore-${randomUUID()}`
  const command = ['node', 'prisma/migrate.mjs', '--restore', '-', ...(replace ? ['--replace'] : [])]
  const end = async () => {
    // Without a whole dump a container that does not run yet changes nothing.
    input.destroy()
    await attemptDocker(['kill', '--signal', 'TERM', name])
  }
  signal.throwIfAborted()
  signal.addEventListener('abort', end)
  const { status, stdout, stderr } = await attemptDocker(
    ['compose', '--ansi', 'never', 'run', '--name', name, '--rm', '--no-deps', '-T', 'migrate', ...command],
    { input },
  ).finally(() => signal.removeEventListener('abort', end))
  if (status !== 0) signal.throwIfAborted()
  // Compose writes its progress before it.
  if (status !== 0) throw new UserError(stderr.trim().split('\n').at(-1) ?? `exit status ${status}`)
  return stdout.trim()
}

async function requireMysql(): Promise<string> {
  const mysql = await runningContainer('mysql')
  if (!mysql) throw new DockerFailed('its database does not run')
  return mysql
}

const studioFile = `${import.meta.dirname}/studio.yml`

/** The compose stack's database, published on this machine. */
type DatabasePort = {
  /** for the account that owns the tables */
  url: string
  /** Closes the port if this object opened it. */
  close: () => Promise<void>
}

/**
 * Opens the port of deploy/compose/studio.yml on 127.0.0.1, unless it is open.
 * @returns null if the stack with Docker does not run
 * @throws DockerFailed
 */
export async function openDatabasePort(): Promise<DatabasePort | null> {
  const mysql = await runningContainer('mysql')
  if (!mysql) return null
  const withPort = await asStarted((await runningContainer('nginx')) ?? mysql)
  const password = await docker(['exec', mysql, 'cat', '/run/secrets/database-password'])
  const wasOpen = (await docker([...withPort, 'ps', '--quiet', 'database-port'])).trim() !== ''
  const close = async () => {
    if (!wasOpen) await docker([...withPort, 'rm', '--stop', '--force', 'database-port'])
  }
  try {
    if (!wasOpen) await docker([...withPort, 'up', '--detach', '--no-deps', 'database-port'])
    const address = (await docker([...withPort, 'port', 'database-port', '3306'])).trim()
    const url = new URL(`mysql://${ownerAccount}@${address}/${databaseName}`)
    url.password = encodeURIComponent(password)
    return { url: url.href, close }
  } catch (error) {
    // Docker creates the container even if its port is in use.
    await close()
    throw error
  }
}

async function runningContainer(service: string): Promise<string | undefined> {
  return (await compose('ps', '--quiet', service)).split('\n').find(Boolean)
}

/**
 * The words of `docker compose …` with the project, files and settings of a container's start, plus deploy/compose/studio.yml.
 * With other files compose would see another configuration of NGINX's network and, since 2.31, replace the network (docker/compose,
 * `NetworkHash`).
 * @throws DockerFailed
 */
export async function asStarted(container: string): Promise<string[]> {
  const labels = ['', '.working_dir', '.config_files', '.environment_file']
    .map(name => `{{index .Config.Labels "com.docker.compose.project${name}"}}`)
    .join('\n')
  const [project = '', folder = '', files = '', settings = ''] = (
    await docker(['inspect', '--format', labels, container])
  ).split('\n')
  const each = (option: string, paths: string[]) => paths.flatMap(path => [option, resolve(folder, path)])
  return [
    ...['compose', '--ansi', 'never', '--project-name', project, '--project-directory', folder],
    ...each('--env-file', settings.split(',').filter(Boolean)),
    // These paths are absolute: a comma without a slash after it is part of a path.
    ...each('--file', files.split(/,(?=\/)/)),
    ...['--file', studioFile],
  ]
}
