import { randomBytes } from 'node:crypto'
import { mkdir, readFile, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../web/server/errors.ts'

/** The folder of a private database, and the paths in it. */
export type Home = {
  folder: string
  /** the server's data directory */
  files: string
  /** temporary files: a starting server empties this folder, so databases must not share it */
  temporary: string
  /** names the program that made `files`: MySQL and MariaDB cannot read each other's files */
  madeBy: string
  password: string
  replicaPassword: string
  accounts: string
  port: string
  pid: string
  log: string
}

/** Creates the folder if it is missing; only its owner can read it. */
export async function openHome(folder: string): Promise<Home> {
  const temporary = join(folder, 'temporary')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await mkdir(temporary, { recursive: true })
  return {
    folder,
    files: join(folder, 'files'),
    temporary,
    madeBy: join(folder, 'made-by'),
    password: join(folder, 'password'),
    replicaPassword: join(folder, 'replica-password'),
    accounts: join(folder, 'accounts.sql'),
    port: join(folder, 'port'),
    pid: join(folder, 'pid'),
    log: join(folder, 'log'),
  }
}

export const readLog = (home: Home) => readFile(home.log, 'utf8').catch(() => '')

/** The failure to do `action`, with its cause from the log. Checks for a full disk itself: the log can be incomplete then. */
export async function failureOf(action: string, home: Home): Promise<DatabaseFailure> {
  const { bavail, bsize } = await statfs(home.folder)
  const full = bavail * bsize < 1024 * 1024 ? '\nNo space left on device' : ''
  return failureFromLog(`${action} in ${home.folder}`, (await readLog(home)) + full)
}

/** The private database cannot be started. The message is one sentence, and below it lines of the log. */
export class DatabaseFailure extends UserError {
  override readonly name = 'DatabaseFailure'
}

const causes: [RegExp, string][] = [
  [/No space left on device|Disk full|out of disk space|(errno|error|code):? 28\b/i, 'the disk is full'],
  [
    /Unable to lock \S*ibdata1|Can't lock aria control file/i,
    'another database process uses it: stop that process first',
  ],
  [
    /Permission denied|(errno|error|code):? 13\b|Read-only file system/i,
    'this user has no permission to read and write it',
  ],
  [/address already in use/i, 'another program uses its port'],
]

/** The cause of a failure according to the server's log; null = not a usual one. */
export function causeIn(log: string): string | null {
  return causes.find(([pattern]) => pattern.test(log))?.[1] ?? null
}

/** The failure to do `action` ("start the database in …"), with its cause if known and the last relevant lines of the log. */
export function failureFromLog(action: string, log: string): DatabaseFailure {
  const all = log.split('\n').filter(line => line.trim())
  const errors = all.filter(line => /error|fatal|denied|no space/i.test(line))
  const lines = (errors.length ? errors : all).slice(-8)
  const cause = causeIn(log) ?? 'its log ends with'
  return new DatabaseFailure([`cannot ${action}: ${cause}`, ...lines].join('\n    '))
}

/** A file system error as a failure of the database in `folder`. Returns any other error unchanged. */
export function failureInFolder(folder: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error
  return new DatabaseFailure(`cannot keep a database in ${folder}: ${error.message}`)
}

/** Reads the password in `file`, or creates it: hex, readable only by its owner. */
export async function keepPassword(file: string): Promise<string> {
  const kept = await readFile(file, 'utf8').catch(() => '')
  if (/^[0-9a-f]{32}$/.test(kept.trim())) return kept.trim()
  const password = randomBytes(16).toString('hex')
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  return password
}
