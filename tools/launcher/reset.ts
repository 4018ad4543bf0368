// `npm run reset`: removes the count, the log and the history. Confirm twice, or run `npm run reset -- --yes --yes`.

import { lstatSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { UserError } from '../../web/server/errors.ts'
import { print, type Report, saySentences } from '../lib/terminal.ts'
import { loadDataDir } from './settings.ts'
import { dataDirAt, lockDataDir, unusable } from './stack/data-dir.ts'
import { cleanUp } from './stack/workspace.ts'

/** Asks a person to confirm. Resolves with false if that is impossible. */
type Prompt = (question: string) => Promise<boolean>

/** Whether all questions are answered with yes. The command line has answered the first `yeses` of them. */
export async function confirm(questions: string[], yeses: number, prompt: Prompt): Promise<boolean> {
  for (const question of questions.slice(yeses)) if (!(await prompt(question))) return false
  return true
}

/** Asks at the terminal. Only "yes" confirms. */
const promptAtTerminal: Prompt = async question => {
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
 * Removes the database of a data folder for good, if `isAgreed` returns true.
 * @returns whether it was removed
 * @throws UserError while a board runs there, or if the folder is not a board's
 */
export async function removeCount(
  path: string,
  isAgreed: () => Promise<boolean>,
  report: Report,
): Promise<boolean> {
  checkIsBoards(dataDirAt(path).database)
  const { dataDir, lock } = await lockDataDir(path)
  try {
    if (!(await isAgreed())) return false
    await cleanUp(dataDir, report)
    // Rename first: an interrupted removal must not leave half of a database.
    const removed = `${dataDir.database}.removed`
    await rm(removed, { recursive: true, force: true })
    await rename(dataDir.database, removed)
    await rm(removed, { recursive: true, force: true })
    return true
  } catch (error) {
    throw unusable(dataDir.folder, error)
  } finally {
    lock.release()
  }
}

/** A board's database is a folder with the server's files and the name of the program that made them. @throws UserError */
function checkIsBoards(database: string): void {
  const found = lstatSync(database, { throwIfNoEntry: false })
  if (!found) throw new UserError(`there is no count in ${database}`)
  const isMade = ['files', 'made-by'].every(name =>
    lstatSync(join(database, name), { throwIfNoEntry: false }),
  )
  if (found.isDirectory() && isMade) return
  throw new UserError(`${database} was not made by a board: not removed`)
}

if (import.meta.main) {
  await saySentences(async () => {
    const dataDir = loadDataDir()
    const { database } = dataDirAt(dataDir)
    const questions = [
      `Remove the count, the log and the history in ${database}?`,
      'They cannot be restored. Remove them anyway?',
    ]
    const yeses = process.argv.filter(argument => argument === '--yes').length
    const isAgreed = () => confirm(questions, yeses, promptAtTerminal)
    if (await removeCount(dataDir, isAgreed, print)) {
      console.log('Removed. The next npm start begins at zero.')
    } else {
      console.log('Nothing was removed. Answer yes twice, or run: npm run reset -- --yes --yes')
      process.exitCode = 1
    }
  })
}
