import { renameSync, writeFileSync } from 'node:fs'

/** Writes a file, for its owner alone, that others see whole or not at all. */
export function writeWhole(path: string, text: string): void {
  const beside = `${path}.new`
  writeFileSync(beside, `${text}\n`, { mode: 0o600 })
  renameSync(beside, path)
}
