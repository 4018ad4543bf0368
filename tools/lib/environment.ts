import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { codeOf, UserError } from '../../web/server/errors.ts'

export type Variables = Record<string, string | undefined>

/** Read by every command, and by Docker Compose itself. */
export const envFile = join(import.meta.dirname, '..', '..', '.env')

/** Every variable of the environment and, for what is not set there, of .env. @throws UserError where .env cannot be read */
export function loadEnvironment(): Variables {
  return { ...readEnvFile(envFile), ...process.env }
}

/** The variables of a file like .env; none where there is no file. @throws UserError where it cannot be read */
export function readEnvFile(path: string): Variables {
  const bytes = readBytes(path)
  // Windows PowerShell writes UTF-16, in which every other byte of a name is 0.
  if (bytes.includes(0)) throw new UserError(`${path} is not a text in UTF-8: save it as one`)
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
        throw new UserError(`${path} is a folder, and a file is needed there, or nothing`)
      case 'EACCES':
      case 'EPERM':
        throw new UserError(`${path} cannot be read by this user`)
      default:
        throw new UserError(`${path} cannot be read: ${error instanceof Error ? error.message : error}`)
    }
  }
}
