import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseSettings, type Settings } from './settings.ts'

const file = join(import.meta.dirname, '..', '.env')

/** The settings from the environment and, for what is not set there, from .env. Throws StackFailure. */
export function loadSettings(): Settings {
  if (existsSync(file)) process.loadEnvFile(file)
  return parseSettings(process.env)
}
