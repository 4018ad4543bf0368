import { compose } from './docker.ts'

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
