// Makes the database's passwords, once, and hands each service its own. Runs in the service `secrets`:
//   node deploy/compose/make-secrets.ts SECRETS MIGRATION REPLICA
// SECRETS is the folder (a volume) that keeps all of them, for MySQL alone. In MIGRATION and REPLICA is the one password
// that these need, as `database-password`. DATABASE_PASSWORD gives that of the account `board`; the others are made here.
import { randomBytes } from 'node:crypto'
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accountStatements, mostConnections, signInStatements } from '../../tools/lib/database-accounts.ts'

/** ms */
const leftoverAfterMs = 3_600_000

const [, , secrets = '', migration = '', replica = ''] = process.argv
const given = process.env.DATABASE_PASSWORD ?? ''
const project = process.env.PROJECT ?? 'balance-board'

for (const folder of [secrets, migration, replica]) removeLeftovers(folder)
const isNew = readSecret('database-password') === ''
const owner = keepSecret('database-password', given || newPassword())
if (given !== '' && given !== owner) {
  console.error(
    'DATABASE_PASSWORD is not the password that the database was made with. Set it back; or, to change the password, ' +
      `run \`docker compose down && docker volume rm ${project}_secrets\`, and start again: the database takes the new one.`,
  )
  process.exitCode = 1
} else {
  if (isNew) {
    console.log(
      'The volume `secrets` held no passwords: new ones are made. A database that was there before keeps its data, and ' +
        'takes the new passwords when it starts.',
    )
  }
  makeSecrets()
}

function makeSecrets(): void {
  const root = keepSecret('root-password', newPassword())
  const replicas = keepSecret('replica-password', newPassword())
  const health = keepSecret('health-password', newPassword())
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
  write(join(secrets, 'health.cnf'), `[client]\nhost=127.0.0.1\nuser=board_health\npassword=${health}\n`)
  write(join(secrets, 'accounts.sql'), statements.join('\n'))
  write(join(migration, 'database-password'), owner)
  write(join(replica, 'database-password'), replicas)
}

/** '' if it is not there. */
function readSecret(name: string): string {
  try {
    return readFileSync(join(secrets, name), 'utf8')
  } catch {
    return ''
  }
}

/**
 * The secret of that name, which is `made` where there was none. A roll and `docker compose up` may both run this: then
 * the first to write decides, because a link never replaces a file, and both go on with the same secret.
 */
function keepSecret(name: string, made: string): string {
  const file = join(secrets, name)
  if (readSecret(name) === '') {
    const part = writePart(file, made)
    try {
      linkSync(part, file)
    } catch {
      if (readSecret(name) === '') renameSync(part, file)
    }
    rmSync(part, { force: true })
  }
  const kept = readSecret(name)
  if (kept === '') throw new Error(`${name} is empty`)
  return kept
}

function newPassword(): string {
  return randomBytes(24).toString('hex')
}

/**
 * Whole, or not at all: this can be cut short. Readable by all users, because each service is another user; a volume is
 * seen only by the services that mount it.
 */
function write(file: string, text: string): void {
  renameSync(writePart(file, text), file)
}

/** Under a name that no other run uses. */
function writePart(file: string, text: string): string {
  const part = `${file}.${randomBytes(8).toString('hex')}.new`
  writeFileSync(part, text, { mode: 0o444 })
  return part
}

/** What a run that was cut short left; one that is at work takes less than a second. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder).filter(file => file.endsWith('.new'))) {
    const file = join(folder, name)
    const { mtimeMs = Date.now() } = statSync(file, { throwIfNoEntry: false }) ?? {}
    if (Date.now() - mtimeMs > leftoverAfterMs) rmSync(file, { force: true })
  }
}
