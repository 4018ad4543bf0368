import { databaseName, ownerAccount } from '../../tools/lib/database-accounts.ts'
import { compose, docker } from './docker.ts'

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
