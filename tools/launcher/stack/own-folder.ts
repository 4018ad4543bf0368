import { readFileSync, writeFileSync } from 'node:fs'
import { codeOf } from '../../../web/server/error-code.ts'
import { StackFailure } from '../../lib/stack-failure.ts'
import { type DataDir, openDataDir, unusable } from './data-dir.ts'
import { type Lock, takeLock } from './lock.ts'

/**
 * Opens a data folder for the one launcher that may use it at a time. Throws StackFailure when another one is using it.
 */
export async function ownFolder(path: string): Promise<{ dataDir: DataDir; lock: Lock }> {
  const dataDir = await openDataDir(path)
  try {
    const lock = takeLock(dataDir.lock)
    if (!lock) throw inUse(dataDir)
    writeFileSync(dataDir.launcher, `${process.pid}\n`, { mode: 0o600 })
    return { dataDir, lock }
  } catch (error) {
    throw codeOf(error) === 'ERR_SQLITE_ERROR' ? lockFailure(dataDir, error) : unusable(dataDir.folder, error)
  }
}

function inUse({ folder, launcher }: DataDir): StackFailure {
  return new StackFailure(
    `a board is already running on ${folder} (process ${readHolder(launcher)}): ` +
      'stop it first, or set DATA_DIR to another folder',
  )
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim() || 'unknown'
  } catch {
    return 'unknown'
  }
}

/** Source of the words: https://www.sqlite.org/rescode.html#full */
function lockFailure({ lock }: DataDir, error: unknown): StackFailure {
  const said = error instanceof Error ? error.message : String(error)
  const why = said === 'database or disk is full' ? 'the disk is full' : said
  return new StackFailure(`the lock ${lock} cannot be taken: ${why}`)
}
