// Makes the database's passwords, once, and hands each service its own. Runs in the service `secrets`:
//   node deploy/compose/make-secrets.ts SECRETS MIGRATION REPLICA
// SECRETS is the folder (a volume) that keeps all of them, for MySQL alone. In MIGRATION and REPLICA is the one password
// that these need, as `database-password`. DATABASE_PASSWORD gives that of the account `board`; the others are made here.
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accountStatements, mostConnections, signInStatements } from '../../tools/lib/database-accounts.ts'

const [, , secrets = '', migration = '', replica = ''] = process.argv
const given = process.env.DATABASE_PASSWORD ?? ''
const project = process.env.PROJECT ?? 'balance-board'

const kept = readSecret('database-password')
if (given !== '' && kept !== '' && given !== kept) {
  console.error(
    'DATABASE_PASSWORD is not the password that the database was made with. Set it back; or, to change the password, ' +
      `run \`docker compose down && docker volume rm ${project}_secrets\`, and start again: the database takes the new one.`,
  )
  process.exitCode = 1
} else {
  if (kept === '') {
    console.log(
      'The volume `secrets` held no passwords: new ones are made. A database that was there before keeps its data, and ' +
        'takes the new passwords when it starts.',
    )
  }
  makeSecrets(kept || given || newPassword())
}

function makeSecrets(owner: string): void {
  const [root, replicas, health] = ['root-password', 'replica-password', 'health-password'].map(
    name => readSecret(name) || newPassword(),
  )
  if (!root || !replicas || !health) throw new Error('a password is empty')
  const statements = [
    accountStatements({ owner, replica: replicas }, { host: '%' }),
    ...Object.entries(mostConnections).map(
      ([account, most]) => `ALTER USER '${account}'@'%' WITH MAX_USER_CONNECTIONS ${most};`,
    ),
    // root is for people, in the container of MySQL. The health check signs in, and has no rights.
    ...signInStatements("'root'@'localhost'", root),
    ...signInStatements("'board_health'@'127.0.0.1'", health),
    '',
  ]
  write(join(secrets, 'root-password'), root)
  write(join(secrets, 'replica-password'), replicas)
  write(join(secrets, 'health-password'), health)
  write(join(secrets, 'health.cnf'), `[client]\nhost=127.0.0.1\nuser=board_health\npassword=${health}\n`)
  write(join(secrets, 'accounts.sql'), statements.join('\n'))
  write(join(migration, 'database-password'), owner)
  write(join(replica, 'database-password'), replicas)
  // Last: where it is, everything is.
  write(join(secrets, 'database-password'), owner)
}

/** '' if it is not there. */
function readSecret(name: string): string {
  try {
    return readFileSync(join(secrets, name), 'utf8')
  } catch {
    return ''
  }
}

function newPassword(): string {
  return randomBytes(24).toString('hex')
}

/**
 * Whole, or not at all: this can be cut short. Readable by all users, because each service is another user; a volume is
 * seen only by the services that mount it.
 */
function write(file: string, text: string): void {
  rmSync(`${file}.new`, { force: true })
  writeFileSync(`${file}.new`, text, { mode: 0o444 })
  renameSync(`${file}.new`, file)
}
