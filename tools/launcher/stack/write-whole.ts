import { renameSync, rmSync, writeFileSync } from 'node:fs'

/** Writes a file, for its owner alone, that others see whole or not at all. Throws, with nothing changed. */
export function writeWhole(path: string, text: string): void {
  const beside = `${path}.new`
  try {
    writeFileSync(beside, `${text}\n`, { mode: 0o600 })
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
