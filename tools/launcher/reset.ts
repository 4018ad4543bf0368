// `npm run reset`: a fresh count. Asked for twice, or `npm run reset -- --yes --yes`.

import { print } from '../lib/terminal.ts'
import { askAtTerminal, confirm } from './confirm.ts'
import { loadDataDir } from './load-settings.ts'
import { removeCount } from './remove-count.ts'
import { saySentences } from './say-sentences.ts'
import { dataDirAt } from './stack/data-dir.ts'

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
