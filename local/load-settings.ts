import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseSettings, type Settings } from './settings.ts'

const file = join(import.meta.dirname, '..', '.env')

/**
 * Where the stack that `npm start` runs writes. For commands that go on to the stack with Docker where none runs there: its
 * settings, such as HTTP_PORT=127.0.0.1:80, are not all for `npm start`.
 */
export function loadDataDir(): string {
  loadEnvFile()
  return process.env.DATA_DIR || '.data'
}

/** The settings from the environment and, for what is not set there, from .env. Throws StackFailure. */
export function loadSettings(): Settings {
  loadEnvFile()
  return parseSettings(process.env)
}

function loadEnvFile(): void {
  if (existsSync(file)) process.loadEnvFile(file)
}
