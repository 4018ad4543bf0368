import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../web/server/errors.ts'

/** The folder of one private database, and what stands in it. */
export type Home = {
  folder: string
  /** the server's own data directory */
  files: string
  /** its temporary files: a server that starts clears this folder, and must not clear another's */
  temporary: string
  /** which program made `files`: MySQL and MariaDB cannot read each other's */
  madeBy: string
  password: string
  replicaPassword: string
  accounts: string
  port: string
  pid: string
  log: string
  previousLog: string
}

/** Makes the folder, for its owner alone, if it is not there. */
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
    previousLog: join(folder, 'log.previous'),
  }
}

/** A log for one start alone; that of the start before is kept beside it. */
export async function openLog(home: Home) {
  await rename(home.log, home.previousLog).catch(() => {}) // the first start has none
  return open(home.log, 'a', 0o600)
}

export const readLog = (home: Home) => readFile(home.log, 'utf8').catch(() => '')

/** The failure to `act`, as the log tells it; on a full disk the log itself may be cut short or empty. */
export async function failureOf(act: string, home: Home): Promise<DatabaseFailure> {
  const { bavail, bsize } = await statfs(home.folder)
  const full = bavail * bsize < 1024 * 1024 ? '\nNo space left on device' : ''
  return failureFromLog(`${act} in ${home.folder}`, (await readLog(home)) + full)
}

/** The private database cannot be had; the message is one clear sentence, and what its log says under it. */
export class DatabaseFailure extends UserError {
  override readonly name = 'DatabaseFailure'
}

const causes: [RegExp, string][] = [
  [/No space left on device|Disk full|out of disk space|(errno|error|code):? 28\b/i, 'the disk is full'],
  [
    /Unable to lock \S*ibdata1|Can't lock aria control file/i,
    'another database process is using it; stop that one first',
  ],
  [
    /Permission denied|(errno|error|code):? 13\b|Read-only file system/i,
    'it may not be read and written by this user',
  ],
  [/address already in use/i, 'its port is taken by another program'],
]

/** What a server's log says went wrong, in words; null = none of the usual causes. */
export function causeIn(log: string): string | null {
  return causes.find(([pattern]) => pattern.test(log))?.[1] ?? null
}

/** The failure to `act` ("start the database in …"), with its cause if known and the last that the log says of it. */
export function failureFromLog(act: string, log: string): DatabaseFailure {
  const said = log.split('\n').filter(line => line.trim())
  const errors = said.filter(line => /error|fatal|denied|no space/i.test(line))
  const lines = (errors.length ? errors : said).slice(-8)
  const cause = causeIn(log) ?? 'see what it said last'
  return new DatabaseFailure([`cannot ${act}: ${cause}`, ...lines].join('\n    '))
}

/** A failure of the file system as one about the database in `folder`; anything else stays what it is. */
export function failureInFolder(folder: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error
  return new DatabaseFailure(`cannot keep a database in ${folder}: ${error.message}`)
}

/** The password of the database kept in this file: made once, hex, readable by its owner alone. */
export async function keepPassword(file: string): Promise<string> {
  const kept = await readFile(file, 'utf8').catch(() => '')
  if (/^[0-9a-f]{32}$/.test(kept.trim())) return kept.trim()
  const password = randomBytes(16).toString('hex')
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  return password
}
