import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseDataDir, parseSettings, type Settings } from './settings.ts'

const file = join(import.meta.dirname, '..', '.env')

/** The settings from the environment and, for what is not set there, from .env. @throws StackFailure */
export function loadSettings(): Settings {
  return parseSettings(readEnvironment())
}

/** The folder of the stack, from the same places: no other setting is looked at. @throws StackFailure */
export function loadDataDir(): string {
  return parseDataDir(readEnvironment())
}

function readEnvironment(): NodeJS.ProcessEnv {
  if (existsSync(file)) process.loadEnvFile(file)
  return process.env
}
