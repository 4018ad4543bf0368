import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseDataDir, parseSettings, type Settings, settingsOfDocker } from './settings.ts'
import type { Report } from './stack/stack-options.ts'

const file = join(import.meta.dirname, '..', '..', '.env')

/**
 * The settings from the environment and, for what is not set there, from .env. Reports what is set and not used.
 * @throws StackFailure
 */
export function loadSettings(report: Report): Settings {
  const environment = readEnvironment()
  const settings = parseSettings(environment)
  const unused = settingsOfDocker(environment)
  if (unused.length > 0) report('settings', `not used without Docker: ${unused.join(', ')}`)
  return settings
}

/** The folder of the stack, from the same places: no other setting is looked at. @throws StackFailure */
export function loadDataDir(): string {
  return parseDataDir(readEnvironment())
}

function readEnvironment(): NodeJS.ProcessEnv {
  if (existsSync(file)) process.loadEnvFile(file)
  return process.env
}
