import { DatabaseSync } from 'node:sqlite'

export type Lock = { release: () => void }

/**
 * Takes the lock that the file at `path` stands for, or says null: another has it. The operating system lets go of it
 * when its holder ends, however that comes about, so it is never stale. SQLite is the one door to such locks in Node.
 * Throws where the file cannot be written.
 */
export function takeLock(path: string): Lock | null {
  const file = new DatabaseSync(path, { timeout: 0 })
  try {
    file.exec('BEGIN EXCLUSIVE')
    return { release: () => file.close() }
  } catch (error) {
    file.close()
    if (error instanceof Error && error.message.includes('locked')) return null
    throw error
  }
}
