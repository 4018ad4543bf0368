// Writes the database's password to a file, once: the one in DATABASE_PASSWORD, or else one made here.
//   node make-secret.mjs FILE
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const [, , file] = process.argv
const given = process.env.DATABASE_PASSWORD ?? ''

if (!existsSync(file)) {
  // Readable by all: MySQL and the replicas, each its own user, see this volume and nobody else does.
  writeFileSync(file, given || randomBytes(24).toString('hex'), { mode: 0o444 })
} else if (given !== '' && given !== readFileSync(file, 'utf8')) {
  console.error(
    'DATABASE_PASSWORD is not the password that the database was made with. Set it back, or change it in MySQL first ' +
      '(ALTER USER), remove the volume `secrets` and start again.',
  )
  process.exitCode = 1
}
