import { resolve } from 'node:path'
import {
  databaseName,
  mostConnections,
  ownerAccount,
  replicaAccount,
} from '../../tools/lib/database-accounts.ts'
import { connectionsPerReplica } from '../../web/server/db/pools.ts'
import { compose, docker } from './docker.ts'
import type { ProjectLock } from './project-lock.ts'

/** Replicas that have all their connections to the compose stack's database. A roll runs the old beside the new. */
const mostReplicas = Math.floor(mostConnections[replicaAccount] / connectionsPerReplica)

/** A sentence where a roll of so many replicas has too few connections while old and new run; null = they fit. */
export function rollWarning(replicas: number): string | null {
  if (2 * replicas <= mostReplicas) return null
  return (
    `${replicas} old and ${replicas} new replicas are more than the ${mostReplicas} that have all their connections to the ` +
    `database: page views may fail while both run. A roll of ${Math.floor(mostReplicas / 2)} fits`
  )
}

/**
 * Makes the passwords and accounts that this version needs on the database that runs, which does the same at its own
 * start: so new replicas can sign in although MySQL is not started again. In a stack of a release before, root has the
 * password of the account `board`. @throws DockerFailed
 */
export async function applyAccounts({ compose }: Pick<ProjectLock, 'compose'>): Promise<void> {
  await compose('run', '--rm', '--no-deps', '-T', 'secrets')
  const asRoot = (file: string) => `MYSQL_PWD="$(cat /run/secrets/${file})" mysql --user root --batch`
  const script = ['root-password', 'database-password']
    .map(file => `${asRoot(file)} < /run/secrets/accounts.sql`)
    .join(' || ')
  await compose('exec', '-T', 'mysql', 'sh', '-c', script)
}

const studioFile = `${import.meta.dirname}/studio.yml`

/** The compose stack's database as this machine reaches it. */
type DatabasePort = {
  /** of the account that owns the tables */
  url: string
  /** Closes the port if it was opened here. */
  close: () => Promise<void>
}

/**
 * Opens the port of deploy/compose/studio.yml on 127.0.0.1, if it is not open yet.
 * @returns null where the stack with Docker does not run @throws DockerFailed
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
    // A container whose port is in use is there all the same.
    await close()
    throw error
  }
}

async function runningContainer(service: string): Promise<string | undefined> {
  return (await compose('ps', '--quiet', service)).split('\n').find(Boolean)
}

/**
 * `docker compose …` for the project, files and settings that a container was started with, and deploy/compose/studio.yml
 * after them. With other files compose would find that the network of NGINX has changed, and since 2.31 it then replaces
 * the network (docker/compose, `NetworkHash`). @throws DockerFailed
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
    // These are absolute: a comma without a slash after it is part of a path.
    ...each('--file', files.split(/,(?=\/)/)),
    ...['--file', studioFile],
  ]
}
