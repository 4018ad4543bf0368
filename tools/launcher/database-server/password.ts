import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'

/** The password of the database kept in this file: made once, hex, readable by its owner alone. */
export async function keepPassword(file: string): Promise<string> {
  const kept = await readFile(file, 'utf8').catch(() => '')
  if (/^[0-9a-f]{32}$/.test(kept.trim())) return kept.trim()
  const password = randomBytes(16).toString('hex')
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  return password
}
