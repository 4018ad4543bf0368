// Creates all passwords once, and gives each service the passwords it needs. Runs in the service `secrets`:
//   node deploy/compose/make-secrets.ts SECRETS MIGRATION REPLICA GRAFANA
// Each argument is a volume's folder. SECRETS has all passwords of the database and is only for MySQL. MIGRATION and REPLICA have
// one password each, in `database-password`. GRAFANA has its administrator's password and the key that encrypts what Grafana
// stores. DATABASE_PASSWORD sets the password of the account `board`, ADMIN_TOKEN the token of control; this script creates the
// others. A container of an earlier release, which `docker compose up --no-recreate` starts again, runs this script with its own
// arguments, so a folder can be missing.
import { randomBytes } from 'node:crypto'
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { containerStatements } from '../../tools/lib/database-accounts.ts'

/** ms */
const leftoverAfterMs = 3_600_000

const [, , secrets = '', migration = '', replica = '', grafana = ''] = process.argv
const given = process.env.DATABASE_PASSWORD ?? ''
const givenToken = process.env.ADMIN_TOKEN ?? ''
const project = process.env.PROJECT ?? 'balance-board'

for (const folder of [secrets, migration, replica, grafana].filter(Boolean)) removeLeftovers(folder)
const isNew = readSecret('database-password') === ''
const owner = keepSecret('database-password', given || newPassword())
if (given !== '' && given !== owner) {
  console.error(
    'DATABASE_PASSWORD is not the password that the database was made with. Set it back; or, to change the password, ' +
      `run \`docker compose down && docker volume rm ${project}_secrets\`, and start again: the database takes the new one.`,
  )
  process.exitCode = 1
} else if (!/^([A-Za-z0-9._~+/-]{16,256})?$/.test(givenToken)) {
  console.error('ADMIN_TOKEN must be 16 to 256 letters, digits and ._~+/-')
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
  write(join(secrets, 'health.cnf'), `[client]\nhost=127.0.0.1\nuser=board_health\npassword=${health}\n`)
  write(join(secrets, 'accounts.sql'), containerStatements({ owner, replica: replicas, root, health }))
  write(join(migration, 'database-password'), owner)
  write(join(replica, 'database-password'), replicas)
  // The token of control: web/server/config.ts. Replicas read it at each use.
  write(join(replica, 'admin-token'), givenToken || keepSecret('admin-token', newPassword()))
  if (grafana) for (const name of ['admin-password', 'secret-key']) keepSecret(name, newPassword(), grafana)
}

/** Returns '' if the secret does not exist. */
function readSecret(name: string, folder = secrets): string {
  try {
    return readFileSync(join(folder, name), 'utf8')
  } catch {
    return ''
  }
}

/**
 * Returns the secret `name`, and first saves `made` if there is none. A roll and `docker compose up` can run this concurrently: a
 * link never replaces a file, so both use the secret that was saved first.
 */
function keepSecret(name: string, made: string, folder = secrets): string {
  const file = join(folder, name)
  if (readSecret(name, folder) === '') {
    const temporary = writeTemporary(file, made)
    try {
      linkSync(temporary, file)
    } catch {
      if (readSecret(name, folder) === '') renameSync(temporary, file)
    }
    rmSync(temporary, { force: true })
  }
  const kept = readSecret(name, folder)
  if (kept === '') throw new Error(`${name} is empty`)
  return kept
}

function newPassword(): string {
  return randomBytes(24).toString('hex')
}

/**
 * Writes a file atomically, because this script can be interrupted. All users can read it, because each service runs as another
 * user; only services that mount the volume see it.
 */
function write(file: string, text: string): void {
  renameSync(writeTemporary(file, text), file)
}

/** Writes a temporary file with a unique name. @returns its path */
function writeTemporary(file: string, text: string): string {
  const temporary = `${file}.${randomBytes(8).toString('hex')}.new`
  writeFileSync(temporary, text, { mode: 0o444 })
  return temporary
}

/** Removes the temporary files of interrupted runs. A run takes less than a second. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder).filter(file => file.endsWith('.new'))) {
    const file = join(folder, name)
    const { mtimeMs = Date.now() } = statSync(file, { throwIfNoEntry: false }) ?? {}
    if (Date.now() - mtimeMs > leftoverAfterMs) rmSync(file, { force: true })
  }
}
