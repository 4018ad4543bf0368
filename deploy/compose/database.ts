import { databaseName, ownerAccount } from '../../tools/lib/database-accounts.ts'
import { compose, docker } from './docker.ts'

/**
 * Makes the passwords and accounts that this version needs on the database that runs, which does the same at its own
 * start: so new replicas can sign in although MySQL is not started again. In a stack of a release before, root has the
 * password of the account `board`. @throws DockerFailed
 */
export async function applyAccounts(): Promise<void> {
  await compose('run', '--rm', '--no-deps', '-T', 'secrets')
  const asRoot = (file: string) => `MYSQL_PWD="$(cat /run/secrets/${file})" mysql --user root --batch`
  const script = ['root-password', 'database-password']
    .map(file => `${asRoot(file)} < /run/secrets/accounts.sql`)
    .join(' || ')
  await compose('exec', '-T', 'mysql', 'sh', '-c', script)
}

const withPort = ['compose', '--ansi', 'never', '-f', 'docker-compose.yml', '-f', 'deploy/compose/studio.yml']

/** The compose stack's database as this machine reaches it. */
export type DatabasePort = {
  /** of the account that owns the tables */
  url: string
  /** Closes the port if it was opened here. */
  close: () => Promise<void>
}

/** Opens the port of deploy/compose/studio.yml on 127.0.0.1, if it is not open yet. @throws DockerFailed where no such stack runs */
export async function openDatabasePort(): Promise<DatabasePort> {
  const password = await compose('exec', '-T', 'mysql', 'cat', '/run/secrets/database-password')
  const wasOpen = (await docker([...withPort, 'ps', '--quiet', 'database-port'])).trim() !== ''
  if (!wasOpen) await docker([...withPort, 'up', '--detach', '--no-deps', 'database-port'])
  const address = (await docker([...withPort, 'port', 'database-port', '3306'])).trim()
  const url = new URL(`mysql://${ownerAccount}@${address}/${databaseName}`)
  url.password = encodeURIComponent(password)
  const close = async () => {
    if (!wasOpen) await docker([...withPort, 'rm', '--stop', '--force', 'database-port'])
  }
  return { url: url.href, close }
}
