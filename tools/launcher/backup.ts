// `npm run backup -- FILE` dumps the database of the stack on DATA_DIR, or else of the stack with Docker, while it runs.
// `npm run restore -- FILE` replaces that stack's data by a dump, also while it runs (prisma/restore.ts), and audits it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { link, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { PassThrough, type Readable, Transform, type Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { createGzip } from 'node:zlib'
import { dumpInContainer, restoreInContainer } from '../../deploy/compose/database.ts'
import { DockerFailed, howToChooseProject } from '../../deploy/compose/docker.ts'
import { restoreText } from '../../prisma/migrate-command.ts'
import { openDump } from '../../prisma/restore.ts'
import { tablesOfRestore } from '../../prisma/swap-tables.ts'
import { readDatabaseUrl } from '../../web/server/config.ts'
import { codeOf, reasonOf, UserError } from '../../web/server/errors.ts'
import { findProgram } from '../install/programs.mjs'
import { installPrograms } from '../install/system-packages.mjs'
import { databaseName } from '../lib/database-accounts.ts'
import { abortOnSignals, saySentences } from '../lib/terminal.ts'
import { printAudit } from './audit.ts'
import { onRunningStack } from './command.ts'

/** Writes a database's dump. @throws UserError if it cannot be made; the signal's reason */
type Dump = (output: Writable, signal: AbortSignal) => Promise<void>

/** gzip's fastest level: visitors need the processor too. */
const gzipLevel = 1

/** The dump's consistent read neither waits for page views nor delays them. */
const dumpOptions = (database: string) => [
  ...['--single-transaction', '--skip-triggers', '--no-tablespaces'],
  ...tablesOfRestore.map(table => `--ignore-table=${database}.${table}`),
]

/** Dumps a database with the dump program of this machine. */
export const dumpOf =
  (databaseUrl: string): Dump =>
  async (output, signal) => {
    const { host, port, user, password, database } = readDatabaseUrl(databaseUrl)
    const where = ['--protocol=tcp', `--host=${host}`, `--port=${port}`, `--user=${user}`]
    const command = spawn(
      findDumpProgram(),
      ['--no-defaults', ...where, ...dumpOptions(database), database],
      {
        // Other users can read the command line, but not the environment.
        env: { ...process.env, MYSQL_PWD: password },
        stdio: ['ignore', 'pipe', 'pipe'],
        signal,
      },
    )
    const [[status], said] = await Promise.all([
      once(command, 'close'),
      text(command.stderr),
      pipeline(command.stdout, output),
    ])
    if (status !== 0) throw new UserError(`the dump failed: ${oneLine(said) || `exit status ${status}`}`)
  }

function findDumpProgram(): string {
  const find = () => findProgram('mariadb-dump') ?? findProgram('mysqldump')
  try {
    if (!find()) installPrograms(['dump'])
  } catch (error) {
    throw new UserError(reasonOf(error))
  }
  return find() ?? 'mysqldump'
}

const oneLine = (text: string) => text.trim().replaceAll(/\s+/g, ' ')

/** Passes a dump on, and notes its counter and whether it is whole. */
class DumpWatch extends Transform {
  counter: number | null = null
  #end = ''

  override _transform(piece: Buffer, _encoding: string, done: (error: null, piece: Buffer) => void): void {
    // What is sought can begin in one piece and end in the next.
    const seen = this.#end + piece.toString('latin1')
    const [, counter] = /INSERT INTO `global_counter` VALUES\s+\(1,(\d+)\)/.exec(seen) ?? []
    if (counter !== undefined) this.counter = Number(counter)
    this.#end = seen.slice(-200)
    done(null, piece)
  }

  /** Whether the dump's last line was passed on. */
  isWhole(): boolean {
    return this.#end.includes('-- Dump completed')
  }
}

/**
 * Saves a dump as `file`, compressed if its name ends in .gz. Until it is whole it has another name. Only its owner can read it.
 * @returns the dump's counter
 * @throws UserError if the file exists or cannot be written, and what `dump` throws; nothing is left then
 */
async function saveDump(file: string, dump: Dump, signal: AbortSignal): Promise<number> {
  if (existsSync(file)) throw alreadyThere(file)
  const part = `${file}.${process.pid}.part`
  const watch = new DumpWatch()
  const failed = new AbortController()
  const stop = AbortSignal.any([signal, failed.signal])
  try {
    await Promise.all(
      [
        dump(watch, stop),
        pipeline(
          watch,
          file.endsWith('.gz') ? createGzip({ level: gzipLevel }) : new PassThrough(),
          createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true }),
          { signal: stop },
        ),
      ].map(work => work.catch(error => failed.abort(failed.signal.reason ?? error))),
    )
    stop.throwIfAborted()
    if (watch.counter === null || !watch.isWhole())
      throw new UserError('the dump is not whole, or not of a board: nothing was kept')
    await publish(part, file)
    return watch.counter
  } catch (error) {
    throw codeOf(error) && !(error instanceof UserError)
      ? new UserError(`cannot write ${file}: ${reasonOf(error)}`)
      : error
  } finally {
    await rm(part, { force: true })
  }
}

/** Gives the file its name. Unlike a rename, a link never replaces a file that another command has made meanwhile. */
async function publish(part: string, file: string): Promise<void> {
  try {
    await link(part, file)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw alreadyThere(file)
    await rename(part, file) // a disk without links
  }
}

const alreadyThere = (file: string) => new UserError(`${file} exists: choose another name`)

async function backup(given: string | undefined): Promise<void> {
  const at = new Date().toISOString().replaceAll(':', '').replace(/\.\d+/, '')
  const file = resolve(startFolder, given ?? join('backups', `board-${at}.sql.gz`))
  if (given === undefined) await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const signal = abortOnSignals(() => {})
  const save = (dump: Dump) => saveDump(file, dump, signal)
  const counter = await onRunningStack({
    local: ({ databaseUrl }) => save(dumpOf(databaseUrl)),
    withDocker: () => save((output, stop) => dumpInContainer(dumpOptions(databaseName), output, stop)),
  })
  const kB = Math.ceil((await stat(file)).size / 1000)
  console.log(`backup: ${file}, ${kB} kB, the counter is at ${counter}`)
}

async function restore(given: string, replace: boolean): Promise<void> {
  const dump: Readable = await openDump(resolve(startFolder, given))
  const signal = abortOnSignals(() => {})
  console.log(
    await onRunningStack({
      local: ({ databaseUrl }) => restoreText(databaseUrl, dump, { replace, signal }),
      withDocker: () => restoreInContainer(dump, { replace, signal }),
    }),
  )
  try {
    await printAudit()
  } catch (error) {
    // With Docker the database can run alone.
    if (!(error instanceof DockerFailed)) throw error
    console.log('No server runs: run npm run audit when one does.')
  }
}

/** The folder in which a person ran npm, which itself changes to the project's folder. */
const startFolder = process.env.INIT_CWD ?? '.'

const usage = `npm run backup [-- FILE], npm run restore -- FILE [--replace]. ${howToChooseProject} backup`

function readWords() {
  try {
    const options = { replace: { type: 'boolean', default: false } } as const
    return parseArgs({ args: process.argv.slice(2), options, allowPositionals: true })
  } catch (error) {
    throw new UserError(`${reasonOf(error).split('.')[0]}. Usage: ${usage}`)
  }
}

if (import.meta.main) {
  await saySentences(async () => {
    const { positionals, values } = readWords()
    const [command, file, ...more] = positionals
    if (more.length === 0 && command === 'backup' && !values.replace) return backup(file)
    if (more.length === 0 && command === 'restore' && file) return restore(file, values.replace)
    throw new UserError(`usage: ${usage}`)
  })
}
