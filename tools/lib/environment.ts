import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { codeOf, reasonOf, UserError } from '../../web/server/errors.ts'

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
