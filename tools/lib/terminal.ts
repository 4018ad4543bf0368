// What commands share: the variables they read, what they print, and the signals that end them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { codeOf, reasonOf, UserError } from '../../web/server/errors.ts'

/** Reports a line about a service ("web-2", "nginx"). */
export type Report = (service: string, text: string) => void

/** Prints one line, the service in the first column. */
export const print: Report = (service, text) => console.log(`${service.padEnd(9)} ${text}`)

/** Runs a command. A UserError prints its message, any other error its stack; both set exit status 1. */
export async function saySentences(command: () => Promise<void>): Promise<void> {
  try {
    await command()
  } catch (error) {
    process.exitCode = 1
    console.error(error instanceof UserError ? `Balance Board: ${error.message}` : error)
  }
}

/** A closed terminal, or a pipe without a reader, must not end this process: it first has to bring its work to an end in order. */
export function outliveTerminal(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}

/**
 * Aborted on Ctrl-C, Ctrl-\, SIGTERM or when the terminal closes; the reason is a UserError that names the signal.
 * This process ignores SIGUSR1 and SIGUSR2: on them Node would open its debugger, or end and leave all processes running.
 * @param onSignal gets each signal that aborts, also after the first; default: the first prints a line
 */
export function abortOnSignals(onSignal?: (name: NodeJS.Signals) => void): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGUSR1', 'SIGUSR2'] as const) process.on(name, () => {})
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(name, () => {
      if (onSignal) onSignal(name)
      else if (!stop.signal.aborted) print('stop', 'stopping in order …')
      stop.abort(new UserError(`ended early, by ${name}`))
    })
  }
  return stop.signal
}

export type Variables = Record<string, string | undefined>

/** Read by every command, and by Docker Compose itself. */
export const envFile = join(import.meta.dirname, '..', '..', '.env')

/** The variables of .env and the environment, which takes precedence. @throws UserError if .env cannot be read */
export function loadEnvironment(): Variables {
  return { ...readEnvFile(envFile), ...process.env }
}

/** The variables of a file like .env; none if the file does not exist. @throws UserError if it cannot be read */
export function readEnvFile(path: string): Variables {
  const bytes = readBytes(path)
  // Windows PowerShell writes UTF-16, in which every other byte of a name is 0.
  if (bytes.includes(0)) throw new UserError(`${path} is not UTF-8 text: save it as UTF-8`)
  return { ...parseEnv(bytes.toString('utf8').replace(/^\uFEFF/, '')) }
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    switch (codeOf(error)) {
      case 'ENOENT':
        return Buffer.alloc(0)
      case 'EISDIR':
        throw new UserError(`${path} is a folder: remove it, or replace it by a file`)
      case 'EACCES':
      case 'EPERM':
        throw new UserError(`this user cannot read ${path}`)
      default:
        throw new UserError(`${path} cannot be read: ${reasonOf(error)}`)
    }
  }
}
