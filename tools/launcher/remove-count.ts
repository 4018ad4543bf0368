import { lstatSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StackFailure } from '../lib/stack-failure.ts'
import { dataDirAt, unusable } from './stack/data-dir.ts'
import { ownFolder } from './stack/own-folder.ts'
import { clear } from './stack/site.ts'
import type { Report } from './stack/stack-options.ts'

/**
 * Removes the database of a data folder, for good, once `isAgreed` says so; returns whether it did. Throws StackFailure
 * while a board runs there, and where what stands there was not made by one.
 */
export async function removeCount(
  path: string,
  isAgreed: () => Promise<boolean>,
  report: Report,
): Promise<boolean> {
  checkIsOurs(dataDirAt(path).database)
  const { dataDir, lock } = await ownFolder(path)
  try {
    if (!(await isAgreed())) return false
    await clear(dataDir, report)
    // At once out of the way: a removal that is cut short leaves no half of a database to start on.
    const aside = `${dataDir.database}.removed`
    await rm(aside, { recursive: true, force: true })
    await rename(dataDir.database, aside)
    await rm(aside, { recursive: true, force: true })
    return true
  } catch (error) {
    throw unusable(dataDir.folder, error)
  } finally {
    lock.release()
  }
}

/** A database of ours is a folder with the server's files and the name of their maker in it. */
function checkIsOurs(database: string): void {
  const found = lstatSync(database, { throwIfNoEntry: false })
  if (!found) throw new StackFailure(`there is no count in ${database}, so nothing to remove`)
  const isMade = ['files', 'made-by'].every(name =>
    lstatSync(join(database, name), { throwIfNoEntry: false }),
  )
  if (found.isDirectory() && isMade) return
  throw new StackFailure(`${database} was not made by a board, so it is left as it is`)
}
