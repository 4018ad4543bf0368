// `npm run reset`: a fresh count. Asked for twice, or `npm run reset -- --yes --yes`.

import { lstatSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { UserError } from '../../web/server/errors.ts'
import { print, type Report, saySentences } from '../lib/terminal.ts'
import { loadDataDir } from './settings.ts'
import { dataDirAt, ownFolder, unusable } from './stack/data-dir.ts'
import { cleanUp } from './stack/workspace.ts'

/** How a question reaches a person: false where there is nobody to ask. */
type Ask = (question: string) => Promise<boolean>

/** Whether all questions are answered with yes; the first `yeses` of them were, on the command line. */
export async function confirm(questions: string[], yeses: number, ask: Ask): Promise<boolean> {
  for (const question of questions.slice(yeses)) if (!(await ask(question))) return false
  return true
}

/** Asks at the terminal; only "yes" is yes. */
const askAtTerminal: Ask = async question => {
  if (!process.stdin.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return (await terminal.question(`${question} (yes/no) `)).trim().toLowerCase() === 'yes'
  } catch {
    return false // Ctrl-C or Ctrl-D
  } finally {
    terminal.close()
  }
}

/**
 * Removes the database of a data folder, for good, once `isAgreed` says so; returns whether it did. Throws UserError
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
    await cleanUp(dataDir, report)
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
  if (!found) throw new UserError(`there is no count in ${database}, so nothing to remove`)
  const isMade = ['files', 'made-by'].every(name =>
    lstatSync(join(database, name), { throwIfNoEntry: false }),
  )
  if (found.isDirectory() && isMade) return
  throw new UserError(`${database} was not made by a board, so it is left as it is`)
}

if (import.meta.main) {
  await saySentences(async () => {
    const dataDir = loadDataDir()
    const { database } = dataDirAt(dataDir)
    const questions = [
      `Remove the count, the log and the history in ${database}?`,
      'They cannot be brought back. Remove them all the same?',
    ]
    const yeses = process.argv.filter(argument => argument === '--yes').length
    const isAgreed = () => confirm(questions, yeses, askAtTerminal)
    if (await removeCount(dataDir, isAgreed, print)) {
      console.log('Removed: the next npm start begins at zero.')
    } else {
      console.log('Nothing was removed. Answer yes twice, or run: npm run reset -- --yes --yes')
      process.exitCode = 1
    }
  })
}
